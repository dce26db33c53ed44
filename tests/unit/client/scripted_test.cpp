// What servers do that ours does not: bytes in any pieces, packets in any order, and nonsense.
#include <doctest/doctest.h>

#include <thread>

#include "scripted_server.hpp"
#include "test_client.hpp"

namespace scripted_test {

using namespace vsoa_test;
using std::chrono::milliseconds;

struct rig {
  explicit rig(vsoa::client_options options = {}) : client(own.loops, options) {
    client.on_message(into(messages));
    client.on_datagram(into(datagrams));
    client.on_disconnect([this](std::error_code why) { lost.put(why); });
  }
  pending_outcome& start(milliseconds timeout = patience) {
    vsoa::connect_options how;
    how.timeout = timeout;
    client.start_connect(server.url(), how, connected.completion());
    return connected;
  }
  scripted_session connect() {
    start();
    scripted_session s = server.accept();
    s.shake_hands();
    REQUIRE(!connected.get().error);
    return s;
  }

  arrivals<message> messages;
  arrivals<message> datagrams;
  arrivals<std::error_code> lost;
  scripted_server server;
  running_loops own;
  pending_outcome connected;
  vsoa::client client;
};

TEST_CASE("the handshake's request: a quick port, and no param without a password") {
  rig r;
  r.start();
  scripted_session s = r.server.accept();
  const packet request = s.shake_hands(99, R"({"name":"x"})");
  CHECK(request.type == type_servinfo);
  CHECK(request.flags == flag_tunnel);
  CHECK(request.tunid != 0);
  CHECK(request.param.empty());
  CHECK(r.connected.get().reply.param == R"({"name":"x"})");
  CHECK(r.client.info()->client_id == 99);
  CHECK(r.client.info()->quick_port == r.server.port());
}

TEST_CASE("an answer to the handshake, cut at each byte, and a reply too") {
  const std::size_t size = handshake_reply({}, 7, "\"info\"").bytes().size();
  running_loops own;
  scripted_server server;
  for (std::size_t cut = 1; cut < size; ++cut) {
    vsoa::client c(own.loops);
    pending_outcome connected;
    c.start_connect(server.url(), {}, connected.completion());
    scripted_session s = server.accept();
    std::string bytes = handshake_reply(s.read(), 7, "\"info\"").bytes();
    s.send(bytes.substr(0, cut));
    s.send(bytes.substr(cut));
    REQUIRE(connected.get().reply.param == "\"info\"");
    pending_outcome called;
    c.start_call({.url = "/x"}, called.completion());
    bytes = reply_to(s.read(), 0, "\"answer\"").bytes();
    s.send(bytes.substr(0, cut % bytes.size()));
    s.send(bytes.substr(cut % bytes.size()));
    REQUIRE(called.get().reply.param == "\"answer\"");
  }
}

TEST_CASE("packets before, and in one piece with, the answer to the handshake") {
  rig r;
  r.start();
  scripted_session s = r.server.accept();
  packet priority;
  priority.type = type_qossetup;
  priority.flags = flag_reply;
  priority.status = 3;
  const packet request = s.read();
  s.send(datagram("/early").bytes() + priority.bytes() + handshake_reply(request, 7, "1").bytes() +
         published("/behind").bytes());
  CHECK(!r.connected.get().error);
  CHECK(r.datagrams.take().url == "/early");
  CHECK(r.messages.take().url == "/behind");
  CHECK(r.client.info()->priority == 3);
}

TEST_CASE("a priority ends with its connection") {
  rig r;
  scripted_session first = r.connect();
  packet priority;
  priority.type = type_qossetup;
  priority.flags = flag_reply;
  priority.status = 3;
  first.send(priority);
  first.send(published("/behind"));
  r.messages.take();
  CHECK(r.client.info()->priority == 3);
  first.close();
  r.lost.take();
  pending_outcome again;
  r.client.start_connect(r.server.url(), {}, again.completion());
  scripted_session second = r.server.accept();
  second.shake_hands();
  CHECK(!again.get().error);
  CHECK(r.client.info()->priority == 0);
}

TEST_CASE("a handshake without param and data; data of 6 bytes") {
  rig r;
  r.start();
  scripted_session s = r.server.accept();
  packet answer = reply_to(s.read());
  SUBCASE("nothing") {
    s.send(answer);
    CHECK(!r.connected.get().error);
    CHECK(r.client.info()->quick_port == 0);
    CHECK(!r.client.datagram("/d", {}, vsoa::channel::quick));
  }
  SUBCASE("a quick port of its own, and more than is known") {
    udp_peer quick;
    answer.data = std::string("\0\0\1\2", 4) + static_cast<char>(quick.port() >> 8) +
                  static_cast<char>(quick.port() & 0xFF) + "more";
    s.send(answer);
    CHECK(!r.connected.get().error);
    CHECK(r.client.info()->quick_port == quick.port());
    CHECK(r.client.datagram("/d", text_payload("[]"), vsoa::channel::quick));
    endpoint from;
    const auto got = quick.receive_packet(patience, &from);
    REQUIRE(got);
    CHECK(got->type == type_datagram);
    CHECK(got->seqno == 0x102);
    CHECK(got->url == "/d");
    // Heard: PUBLISH and DATAGRAM of this server. Not heard: others, nonsense, anybody else.
    udp_peer stranger;
    stranger.send_to(from, published("/stranger"));
    quick.send_to(from, "nonsense");
    quick.send_to(from, rpc(1, "/rpc"));
    quick.send_to(from, published("/p"));
    quick.send_to(from, datagram("/d"));
    const message m = r.messages.take();
    CHECK(m.url == "/p");
    CHECK(m.via == vsoa::channel::quick);
    CHECK(r.datagrams.take().url == "/d");
    CHECK(r.messages.size() == 0);
    CHECK(r.client.stats().quick_rejected == 2);
  }
}

TEST_CASE("handshakes that fail") {
  rig r;
  r.start(milliseconds(sanitized ? 1000 : 150));
  scripted_session s = r.server.accept();
  const packet request = s.read();
  vsoa::connect_errc expected = vsoa::connect_errc::invalid_responding;
  SUBCASE("silence") {
    expected = vsoa::connect_errc::no_responding;
  }
  SUBCASE("half an answer") {
    s.send(handshake_reply(request, 1, "").bytes().substr(0, 21));
    expected = vsoa::connect_errc::no_responding;
  }
  SUBCASE("closed") {
    s.close();
    expected = vsoa::connect_errc::no_responding;
  }
  SUBCASE("the wrong password") {
    s.send(reply_to(request, status_password));
    expected = vsoa::connect_errc::invalid_password;
  }
  SUBCASE("another status") {
    s.send(reply_to(request, 5));
  }
  SUBCASE("not a reply") {
    s.send(servinfo(request.seqno));
  }
  SUBCASE("of another type") {
    s.send(reply_to(rpc(request.seqno, "/x")));
  }
  SUBCASE("garbage") {
    s.send("HTTP/1.1 400 Bad Request\r\n\r\n");
  }
  SUBCASE("too large") {
    s.send(wire_header{.type = 0, .flags = 1, .param_length = 0xFFFFFFF0}.bytes());
  }
  CHECK(r.connected.get().error == expected);
  CHECK(!r.client.is_connected());
}

TEST_CASE("replies: twice, of another type, to nothing, without the flag; and a ping") {
  rig r;
  scripted_session s = r.connect();
  pending_outcome first;
  pending_outcome second;
  r.client.start_call({.url = "/1"}, first.completion());
  r.client.start_call({.url = "/2"}, second.completion());
  const packet one = s.read();
  const packet two = s.read();
  CHECK(one.seqno != two.seqno);
  CHECK(one.seqno <= 0xFFFF);
  packet wrong = reply_to(one);
  wrong.type = type_pingecho;
  s.send(wrong);
  packet no_reply = reply_to(one);
  no_reply.flags = 0;
  s.send(no_reply);
  s.send(reply_to(rpc(0xFFFFFFFF, "/x")));
  s.send(reply_to(rpc(60000, "/x")));
  s.send(reply_to(two, 0, "2"));
  s.send(reply_to(two, 0, "twice"));
  packet copied = reply_to(one, 0, "1");  // some servers copy the flags of the request
  copied.flags |= flag_set;
  copied.tunid = 5;
  s.send(copied);
  CHECK(first.get().reply.param == "1");
  CHECK(second.get().reply.param == "2");
  s.send(ping(0x12345678));
  const packet echo = s.read();
  CHECK(echo.type == type_pingecho);
  CHECK(echo.flags == flag_reply);
  CHECK(echo.seqno == 0x12345678);
  CHECK(r.client.stats().ignored == 5);
  CHECK(r.client.is_connected());
}

TEST_CASE("an answer that comes after its call was cancelled answers no other") {
  rig r;
  scripted_session s = r.connect();
  pending_outcome cancelled;
  r.client.cancel(r.client.start_call({.url = "/late"}, cancelled.completion()));
  const packet late = s.read();
  CHECK(cancelled.get().error == vsoa::errc::cancelled);
  // All other numbers have their turn.
  std::atomic<std::size_t> answered = 0;
  constexpr std::size_t others = 65535;
  constexpr std::size_t at_a_time = 5;
  for (std::size_t i = 0; i < others; i += at_a_time) {
    for (std::size_t n = 0; n < at_a_time; ++n) {
      r.client.start_call({.url = "/x"},
                          [&](std::error_code, const vsoa::reply_view&) { ++answered; });
    }
    for (std::size_t n = 0; n < at_a_time; ++n)
      s.send(reply_to(s.read()));
  }
  pending_outcome called;
  r.client.start_call({.url = "/x"}, called.completion());
  const packet request = s.read();
  CHECK(request.seqno != late.seqno);
  s.send(reply_to(late, 0, "late"));
  s.send(reply_to(request, 0, "good"));
  CHECK(called.get().reply.param == "good");
  CHECK(answered == others);
}

TEST_CASE("params that are no JSON, URLs that are none: handed over as they are") {
  rig r;
  scripted_session s = r.connect();
  s.send(published("/p", "{not json"));
  CHECK(r.messages.take().param == "{not json");
  packet odd = datagram("");
  s.send(odd);
  CHECK(r.datagrams.take().url.empty());
  packet loud;
  loud.type = type_qossetup;
  loud.status = 8;
  s.send(loud);
  s.send(wire_header{.type = 0x77}.bytes());
  s.send(published("/last"));
  CHECK(r.messages.take().url == "/last");
  CHECK(r.client.info()->priority == 0);
}

TEST_CASE("the end of a connection: why, and what waited") {
  vsoa::client_options options;
  options.limits.partial_timeout = milliseconds(100);
  rig r(options);
  scripted_session s = r.connect();
  pending_outcome waiting;
  r.client.start_call({.url = "/x"}, waiting.completion());
  s.read();
  std::error_code why = vsoa::errc::closed;
  SUBCASE("closed") {
    s.close();
  }
  SUBCASE("garbage") {
    s.send("garbage");
    why = vsoa::errc::violation;
  }
  SUBCASE("half a packet") {
    s.send(published("/p").bytes().substr(0, 10));
    why = vsoa::errc::timeout;
  }
  CHECK(r.lost.take() == why);
  REQUIRE(waiting.ready());
  CHECK(waiting.get().error == vsoa::errc::closed);
}

TEST_CASE("a server that reads nothing: the outbox is bounded, and the send timeout ends it") {
  vsoa::client_options options;
  options.limits.outbox = 1U << 20;
  options.send_timeout = milliseconds(200);
  rig r(options);
  scripted_session s = r.connect();
  const std::string data(100000, 'x');
  std::atomic<std::size_t> full = 0;
  std::atomic<std::size_t> closed = 0;
  std::size_t begun = 0;
  // Until the kernel, too, has all that it takes.
  for (const deadline until(patience); r.lost.size() == 0 && !until.passed(); ++begun) {
    r.client.start_call({"/x", text_payload("", data)},
                        [&](std::error_code error, const vsoa::reply_view&) {
                          ++(error == vsoa::errc::outbox_full ? full : closed);
                        });
    REQUIRE(r.client.stats().outbox_bytes <= options.limits.outbox + vsoa::max_packet_bytes);
    if (full > 0) std::this_thread::yield();
  }
  CHECK(r.lost.take() == vsoa::errc::not_reading);
  CHECK(wait_until([&] { return full + closed == begun; }));
  CHECK(full > 0);
  CHECK(closed > 0);
}

TEST_CASE("disconnect() loses nothing that was sent before, also with publishes unread") {
  vsoa::client_options options;
  options.limits.outbox = 16U << 20;
  rig r(options);
  scripted_session s = r.connect();
  arrivals<int> sent;
  arrivals<int> unread;
  constexpr int datagrams = 40;
  r.own.loops.post(0, [&] {
    const std::string data(100000, 'x');
    for (int i = 0; i < datagrams; ++i)
      r.client.datagram("/d", text_payload("", data));
    sent.put(1);
    unread.take();
    r.client.disconnect();
  });
  sent.take();
  s.send(published("/news"));
  unread.put(1);
  for (int i = 0; i < datagrams; ++i)
    CHECK(s.read(type_datagram).data.size() == 100000);
  CHECK(s.ends());
}

TEST_CASE("unsubscribing all where the server refuses that: one by one") {
  rig r;
  scripted_session s = r.connect();
  pending_outcome subscribed;
  r.client.start_subscribe({"/a", "/b"}, subscribed.completion());
  for (const char* url : {"/a", "/b"}) {
    const packet p = s.read();
    CHECK(p.type == type_subscribe);
    CHECK(p.url == url);
    CHECK(p.param.empty());
    s.send(reply_to(p));
  }
  CHECK(!subscribed.get().error);
  pending_outcome unsubscribed;
  r.client.start_unsubscribe_all(unsubscribed.completion());
  const packet all = s.read();
  CHECK(all.type == type_unsubscribe);
  CHECK(all.url.empty());
  s.send(reply_to(all, status_arguments));
  for (const char* url : {"/a", "/b"}) {
    const packet p = s.read();
    CHECK(p.url == url);
    s.send(reply_to(p));
  }
  CHECK(!unsubscribed.get().error);
  CHECK(r.client.subscriptions().empty());
}

TEST_CASE("calls without a wish for an answer have numbers of their own") {
  rig r;
  scripted_session s = r.connect();
  CHECK(r.client.send_call({.url = "/x", .method = vsoa::method::set}));
  const packet p = s.read();
  CHECK(p.flags == flag_set);
  CHECK(p.seqno % 0x10000 == 0);
  CHECK(p.seqno / 0x10000 != 0);
  s.send(reply_to(p));
  s.send(published("/last"));
  CHECK(r.messages.take().url == "/last");
  CHECK(r.client.is_connected());
}

TEST_CASE("a silent client without a robot pings, and is not lost without an answer") {
  vsoa::client_options options;
  options.idle_ping = milliseconds(20);
  rig r(options);
  scripted_session s = r.connect();
  for (int i = 0; i < 8; ++i)
    CHECK(s.read().type == type_pingecho);
  CHECK(r.client.is_connected());
  CHECK(r.client.pendings() == 0);
}

}  // namespace scripted_test
