// A vsoad in front of a server that does what the test says: exactly what goes upstream, and what
// becomes of calls when upstream is slow, silent, mad or gone.
#include <doctest/doctest.h>
#include <signal.h>

#include <string>

#include "daemon_runner.hpp"
#include "peer.hpp"
#include "scripted_server.hpp"

namespace forward_scripted_test {

using namespace vsoa_test;

constexpr std::uint8_t status_proxy = 7;
const std::string not_connected = R"({"error":"upstream is not connected"})";

std::string gateway(const std::string& url, const std::string& keys, const std::string& rest) {
  return with_plugins(R"(runtime: { threads: 1 }
services:
  - name: main
    listen: [ "127.0.0.1:0" ]
    commands:
      /old/: { forward: ")" +
                      url + "\", strip_prefix: true" + keys + " }\n" +
                      "      /old/own: { plugin: echo }\n"
                      "      /plain/: { forward: \"" +
                      url + "\" }\n" + rest);
}

struct fixture {
  scripted_server upstream;
  daemon_runner front;
  scripted_session session{upstream.accept()};
  tcp_peer client{front.service()};

  explicit fixture(const std::string& keys = {}, const std::string& rest = {})
      : front{gateway(upstream.url(), keys, rest)} {
    session.shake_hands();
    REQUIRE(front.wait_for_line("connected at"));
    client.handshake();
  }
  /// The next connection of the gateway's.
  void reconnect() {
    session = upstream.accept();
    session.shake_hands();
    REQUIRE(wait_until([&] { return front.lines_with("connected at").size() >= 2; }));
  }
  /// Grants a subscription; others are refused meanwhile.
  void grant(const std::string& url) {
    for (;;) {
      const packet request = session.read(type_subscribe);
      session.send(reply_to(request, request.url == url ? 0 : 6));
      if (request.url == url) return;
    }
  }
  std::string end() {
    front.signal(SIGTERM);
    CHECK(front.wait_exit().code == 0);
    const auto lines = front.lines_with(" connects=");
    REQUIRE(lines.size() == 1);
    return lines[0];
  }
};

packet data_reply(const packet& request, std::uint8_t status, std::string param, std::string data) {
  packet p = reply_to(request, status, std::move(param));
  p.data = std::move(data);
  return p;
}

TEST_CASE("method, URL, param, data and status, exactly") {
  fixture f;
  const std::string bytes("\0\xff\x80 raw", 8);
  f.client.send(rpc(77, "/old/a/b", "{ \"half", bytes, true));
  packet request = f.session.read(type_rpc);
  CHECK(request.flags == flag_set);
  CHECK(request.url == "/a/b");
  CHECK(request.param == "{ \"half");
  CHECK(request.data == bytes);
  f.session.send(data_reply(request, 200, "\xfe\xff", bytes));
  packet answer = f.client.read();
  CHECK(answer.seqno == 77);
  CHECK(answer.status == 200);
  CHECK(answer.param == "\xfe\xff");
  CHECK(answer.data == bytes);
  CHECK(answer.flags == flag_reply);

  f.client.send(rpc(78, "/plain/x"));
  request = f.session.read(type_rpc);
  CHECK(request.flags == 0);
  CHECK(request.url == "/plain/x");
  CHECK(request.param.empty());
  f.session.send(reply_to(request, 3));
  CHECK(f.client.read().status == 3);

  f.client.send(rpc(79, "/old"));
  request = f.session.read(type_rpc);
  CHECK(request.url == "/");
  f.session.send(reply_to(request));
  CHECK(f.client.read().seqno == 79);
  // An entry deeper down keeps what is its own.
  CHECK(f.client.ask(rpc(80, "/old/own", "5")).param == "5");
}

TEST_CASE("answers in another order find their callers") {
  fixture f;
  tcp_peer other{f.front.service()};
  other.handshake();
  f.client.send(rpc(1, "/old/first"));
  const packet first = f.session.read(type_rpc);
  other.send(rpc(1, "/old/second"));
  const packet second = f.session.read(type_rpc);
  f.session.send(reply_to(second, 0, "2"));
  f.session.send(reply_to(first, 0, "1"));
  CHECK(f.client.read().param == "1");
  CHECK(other.read().param == "2");
  // An answer to nothing is nothing.
  f.session.send(reply_to(first, 0, "again"));
  CHECK(f.client.silent());
}

TEST_CASE("slow: the call is answered when its time is over, and the late answer dropped") {
  fixture f(", timeout: 100ms");
  f.client.send(rpc(1, "/old/slow"));
  const packet request = f.session.read(type_rpc);
  const packet answer = f.client.read();
  CHECK(answer.status == status_no_responding);
  CHECK(answer.param.empty());
  f.session.send(reply_to(request, 0, "late"));
  f.client.send(rpc(2, "/old/next"));
  f.session.send(reply_to(f.session.read(type_rpc), 0, "next"));
  CHECK(f.client.read().param == "next");
  CHECK(f.end().find(" timeouts=1 lost=0 ") != std::string::npos);
}

TEST_CASE("gone in the middle: what waits is answered at once, then all until it is back") {
  fixture f;
  f.client.send(rpc(1, "/old/a"));
  f.client.send(rpc(2, "/old/b"));
  f.session.read(type_rpc);
  f.session.read(type_rpc);
  f.session.close();
  for (int i = 0; i < 2; ++i)
    CHECK(f.client.read().status == status_no_responding);
  const packet refused = f.client.ask(rpc(3, "/old/c", "{}"));
  CHECK(refused.status == status_proxy);
  CHECK(refused.param == not_connected);
  f.reconnect();
  f.client.send(rpc(4, "/old/d"));
  f.session.send(reply_to(f.session.read(type_rpc), 0, "4"));
  CHECK(f.client.read().param == "4");
  CHECK(f.end().find(" connects=2 failed_connects=0 calls=4 refused=1 timeouts=0 lost=2 ") !=
        std::string::npos);
}

TEST_CASE("mad: bytes that are no packet end the connection, not the gateway") {
  fixture f;
  f.client.send(rpc(1, "/old/a"));
  f.session.read(type_rpc);
  f.session.send(std::string_view("HTTP/1.1 400 Bad Request\r\n\r\n"));
  CHECK(f.client.read().status == status_no_responding);
  CHECK(f.session.ends());
  f.reconnect();
  f.client.send(rpc(2, "/old/b"));
  f.session.send(reply_to(f.session.read(type_rpc), 0, "2"));
  CHECK(f.client.read().param == "2");
}

TEST_CASE("a client that goes before its answer takes nothing along") {
  fixture f;
  {
    tcp_peer hasty{f.front.service()};
    hasty.handshake();
    hasty.send(rpc(1, "/old/a"));
    const packet request = f.session.read(type_rpc);
    hasty.close();
    f.client.ask(ping(1));
    f.session.send(reply_to(request, 0, "nobody"));
  }
  f.client.send(rpc(2, "/old/b"));
  f.session.send(reply_to(f.session.read(type_rpc), 0, "2"));
  CHECK(f.client.read().param == "2");
}

TEST_CASE("upstream is subscribed to what clients want, and to nothing else") {
  fixture f;
  tcp_peer other{f.front.service()};
  other.handshake();
  const auto next = [&](std::uint8_t type) {
    const packet request = f.session.read(type);
    f.session.send(reply_to(request));
    return request.url;
  };
  f.client.ask(subscribe(1, "/old/speed"));
  CHECK(next(type_subscribe) == "/speed");
  other.ask(subscribe(1, "/old/speed"));      // known already
  f.client.ask(subscribe(2, "/elsewhere/"));  // not of upstream's
  other.ask(subscribe(2, "/plain/"));
  CHECK(next(type_subscribe) == "/plain/");
  f.client.ask(unsubscribe(3, "/old/speed"));  // the other still wants it
  other.ask(unsubscribe(3, "/plain/"));
  CHECK(next(type_unsubscribe) == "/plain/");
  other.close();
  CHECK(next(type_unsubscribe) == "/speed");

  f.client.ask(subscribe(4, "/old/"));
  CHECK(next(type_subscribe) == "/");
  f.session.send(published("/a", "1"));
  packet p = f.client.read();
  CHECK(p.url == "/old/a");
  CHECK(p.param == "1");
  f.session.send(published("/own", "2"));  // the plugin's URL
  f.session.send(published("/b", "3"));
  CHECK(f.client.read().url == "/old/b");
}

TEST_CASE("subscriptions come back with the connection") {
  fixture f;
  f.client.ask(subscribe(1, "/old/speed"));
  f.session.send(reply_to(f.session.read(type_subscribe)));
  f.session.close();
  f.client.ask(subscribe(2, "/old/more"));
  f.client.ask(unsubscribe(3, "/old/speed"));
  f.client.ask(subscribe(4, "/old/rest/"));
  f.reconnect();
  for (const std::string url : {"/more", "/rest/"}) {
    const packet request = f.session.read(type_subscribe);
    CHECK(request.url == url);
    f.session.send(reply_to(request));
  }
  f.session.send(published("/more", "1"));
  CHECK(f.client.read().url == "/old/more");
}

TEST_CASE("a refused subscription is said, and retained topics keep what comes from upstream") {
  fixture f({}, "    topics: { /old/kept: { retain: last } }\n");
  f.client.ask(subscribe(1, "/old/no"));
  f.session.send(reply_to(f.session.read(type_subscribe), 5));
  CHECK(f.front.wait_for_line("refuses a subscription to /no: "));
  f.client.ask(subscribe(2, "/old/kept"));
  f.grant("/kept");
  f.session.send(published("/kept", "9"));
  CHECK(f.client.read().param == "9");
  tcp_peer late{f.front.service()};
  late.handshake();
  late.ask(subscribe(1, "/old/kept"));
  CHECK(late.read().param == "9");
}

TEST_CASE("a refused subscription is asked for again") {
  fixture f;
  f.client.ask(subscribe(1, "/old/later"));
  f.session.send(reply_to(f.session.read(type_subscribe), 6));
  f.grant("/later");
  f.session.send(published("/later", "1"));
  CHECK(f.client.read().param == "1");
  // One more finds no room, until another is given up.
  f.client.ask(subscribe(2, "/old/more"));
  f.session.send(reply_to(f.session.read(type_subscribe), 6));
  f.client.ask(unsubscribe(3, "/old/later"));
  CHECK(f.session.read(type_unsubscribe).url == "/later");
  f.grant("/more");
  CHECK(f.front.lines_with("refuses a subscription").size() == 1);
}

TEST_CASE("datagrams: ours go upstream, upstream's are nobody's") {
  fixture f;
  f.client.send(datagram("/old/d", "1", "x"));
  packet p = f.session.read(type_datagram);
  CHECK(p.url == "/d");
  CHECK(p.param == "1");
  CHECK(p.data == "x");
  packet back = published("/d", "2");
  back.type = type_datagram;
  f.session.send(back);
  f.client.send(rpc(1, "/old/a"));
  f.session.send(reply_to(f.session.read(type_rpc), 0, "1"));
  CHECK(f.client.read().type == type_rpc);
  CHECK(f.end().find(" datagrams=1 datagrams_dropped=0 datagrams_ignored=1 ") != std::string::npos);
}

TEST_CASE("a tunnel that leads nowhere ends for the client, too") {
  fixture f;
  f.client.send(rpc(1, "/old/stream"));
  packet answer = reply_to(f.session.read(type_rpc), 0, "\"go\"");
  answer.flags |= flag_tunnel;
  answer.tunid = 9;  // nobody listens there
  f.session.send(answer);
  const packet offer = f.client.read();
  CHECK(offer.param == "\"go\"");
  REQUIRE((offer.flags & flag_tunnel) != 0);
  CHECK(offer.tunid != 9);
  tcp_peer stream{{"127.0.0.1", offer.tunid}};
  CHECK(stream.wait_end() != ending::none);
}

TEST_CASE("a stream that can't be relayed: the call was carried out all the same") {
  fixture f({}, "    limits: { streams: 1 }\n");
  const auto answer_next = [&] {
    packet answer = reply_to(f.session.read(type_rpc), 0, "\"go\"");
    answer.flags |= flag_tunnel;
    answer.tunid = 9;
    f.session.send(answer);
    return f.client.read();
  };
  f.client.send(rpc(1, "/old/stream"));
  CHECK(answer_next().status == status_success);
  f.client.send(rpc(2, "/old/stream"));
  const packet refused = answer_next();
  CHECK(refused.status == status_no_responding);
  CHECK(refused.param == R"({"error":"upstream's stream can't be reached"})");
  CHECK((refused.flags & flag_tunnel) == 0);
  CHECK(f.end().find(" refused=0 timeouts=0 lost=0 ") != std::string::npos);
}

TEST_CASE("a limit on calls in flight counts forwarded ones") {
  fixture f({}, "    limits: { calls_in_flight: 1 }\n");
  f.client.send(rpc(1, "/old/a"));
  const packet request = f.session.read(type_rpc);
  CHECK(f.client.ask(rpc(2, "/old/b")).status == status_no_memory);
  f.session.send(reply_to(request, 0, "1"));
  CHECK(f.client.read().seqno == 1);
}

TEST_CASE("SIGTERM waits for what upstream has not answered") {
  fixture f;
  f.client.send(rpc(1, "/old/a"));
  const packet request = f.session.read(type_rpc);
  f.front.signal(SIGTERM);
  REQUIRE(f.front.wait_for_notification("STOPPING=1"));
  f.session.send(reply_to(request, 0, "1"));
  CHECK(f.client.read().param == "1");
  CHECK(f.front.wait_exit().code == 0);
}

TEST_CASE("down from the start: answered at once, and found when it comes") {
  std::string nowhere;
  { nowhere = scripted_server().url(); }
  daemon_runner front{gateway(nowhere, {}, {})};
  tcp_peer client{front.service()};
  client.handshake();
  for (std::uint32_t i = 0; i < 3; ++i) {
    const packet refused = client.ask(rpc(i, "/old/a"), milliseconds(healthy_answer));
    CHECK(refused.status == status_proxy);
    CHECK(refused.param == not_connected);
  }
  client.send(datagram("/old/d"));
  client.ask(subscribe(9, "/old/"));
  CHECK(front.wait_for_line("not connected: "));
  front.signal(SIGTERM);
  CHECK(front.wait_exit().code == 0);
  CHECK(front.lines_with(" datagrams=0 datagrams_dropped=1 ").size() == 1);
}

}  // namespace forward_scripted_test
