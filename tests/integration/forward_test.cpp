// A vsoad in front of another: calls, publishes, datagrams and streams through both, in the clear
// and over TLS, with and without a password, by address and by name.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "certificates.hpp"
#include "daemon_runner.hpp"
#include "peer.hpp"
#include "scripted_server.hpp"

namespace forward_test {

using namespace vsoa_test;

constexpr std::uint8_t status_proxy = 7;

std::string url_of(const endpoint& e) {
  return "vsoa://" + e.ip + ':' + std::to_string(e.port);
}

/// What upstream is: echo, and topics that relay.
std::string legacy(const std::string& rest = {}) {
  return with_plugins(R"(services:
  - name: legacy
    listen: [ "127.0.0.1:0" ]
    plugins: [ echo ]
    topics: { /d/: { relay: true } }
)" + rest);
}

/// One loop, so that there is one connection upstream; `commands` are lines of six blanks.
std::string gateway(const std::string& commands, const std::string& rest = {}, int threads = 1) {
  return with_plugins("runtime: { threads: " + std::to_string(threads) + R"( }
services:
  - name: gateway
    listen: [ "127.0.0.1:0" ]
    commands:
)" + commands + rest);
}

std::string stripped(const std::string& to, const std::string& rest = {}) {
  return "      /old/: { forward: \"" + to + "\", strip_prefix: true" + rest + " }\n";
}

struct pair {
  daemon_runner upstream;
  daemon_runner front;
  tcp_peer client{front.service("gateway")};

  explicit pair(const std::string& rest = {}, const std::string& keys = {})
      : upstream{legacy(rest)}, front{gateway(stripped(url_of(upstream.service("legacy")), keys))} {
    REQUIRE(front.wait_for_line("connected at"));
    client.handshake();
  }
};

/// Sends with one peer until the other has something; a subscription needs its time upstream.
packet until_arrived(tcp_peer& receiver, const std::function<void()>& send) {
  std::optional<packet> arrived;
  const bool came = wait_until([&] {
    send();
    arrived = receiver.try_read(milliseconds(50));
    return arrived.has_value();
  });
  REQUIRE(came);
  return *arrived;
}

/// Connects to a tunnel, sends all, and reads until the other side has ended.
std::string through_stream(std::uint16_t tunid, const std::string& bytes) {
  tcp_peer stream{{"127.0.0.1", tunid}};
  std::string back;
  std::size_t sent = 0;
  const deadline until(patience);
  bool has_ended = false;
  while (!has_ended && !until.passed()) {
    if (sent < bytes.size()) {
      sent += stream.send_some(std::string_view(bytes).substr(sent, 65536));
      if (sent == bytes.size()) stream.shutdown_write();
    }
    char piece[65536];
    const ssize_t count =
        ::recv(stream.fd(), piece, sizeof piece, sent < bytes.size() ? MSG_DONTWAIT : 0);
    if (count > 0) back.append(piece, static_cast<std::size_t>(count));
    has_ended = count == 0;
  }
  return back;
}

std::string pattern(std::size_t bytes) {
  std::string out(bytes, '\0');
  std::uint32_t x = 1;
  for (char& c : out)
    c = static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
  return out;
}

TEST_CASE("calls go to the other server and back, byte for byte") {
  pair p;
  const std::string param = "{ not JSON \xff";
  const packet answer = p.client.ask(rpc(1, "/old/echo", param, std::string("\0\x01x", 3), true));
  CHECK(answer.status == status_success);
  CHECK(answer.param == param);
  CHECK(answer.data == std::string("\0\x01x", 3));
  const std::string large = pattern(200000);
  CHECK(p.client.ask(rpc(2, "/old/echo", {}, large)).data == large);
  CHECK(p.client.ask(rpc(3, "/old/unknown")).status == status_invalid_url);
  CHECK(p.client.ask(rpc(4, "/other")).status == status_invalid_url);
  p.front.signal(SIGTERM);
  CHECK(p.front.wait_exit().code == 0);
  REQUIRE(p.front.lines_with("upstream vsoa://").size() >= 2);
  CHECK(p.front.lines_with(" connects=1 failed_connects=0 calls=3 refused=0 ").size() == 1);
}

TEST_CASE("a hundred calls at once, on several loops") {
  daemon_runner upstream{legacy()};
  daemon_runner front{gateway(stripped(url_of(upstream.service("legacy"))), {}, 3)};
  for (int c = 0; c < 6; ++c) {
    tcp_peer client{front.service("gateway")};
    client.handshake();
    // Each loop has a connection of its own, and one of them tells of it.
    REQUIRE(wait_until([&] { return client.ask(rpc(1, "/old/echo")).status == status_success; }));
    std::string burst;
    for (std::uint32_t i = 0; i < 100; ++i)
      burst += rpc(100 + i, "/old/echo", std::to_string(i)).bytes();
    client.send(burst);
    for (std::uint32_t i = 0; i < 100; ++i) {
      const packet answer = client.read();
      CHECK(answer.seqno == 100 + i);
      CHECK(answer.param == std::to_string(i));
    }
  }
}

TEST_CASE("publishes of the other server reach subscribers under the prefix") {
  pair p;
  tcp_peer source{p.upstream.service("legacy")};
  source.handshake();
  REQUIRE(p.client.ask(subscribe(1, "/old/speed/")).status == status_success);
  const packet first = until_arrived(
      p.client, [&] { source.ask_for_reply(rpc(2, "/publish", "\"/speed/left\"", "12")); });
  CHECK(first.type == type_publish);
  CHECK(first.url == "/old/speed/left");
  CHECK(first.data == "12");
  // Not subscribed to: not here, and not upstream.
  source.ask_for_reply(rpc(3, "/publish", "\"/other\"", "x"));
  source.ask_for_reply(rpc(4, "/publish", "\"/speed/right\"", "13"));
  for (packet next = p.client.read(); next.url != "/old/speed/right"; next = p.client.read())
    CHECK(next.url == "/old/speed/left");
}

TEST_CASE("datagrams of clients go to the other server, on both channels") {
  pair p;
  tcp_peer listener{p.upstream.service("legacy")};
  udp_peer quick_listener;
  listener.handshake({}, quick_listener.port());
  REQUIRE(listener.ask(subscribe(1, "/d/")).status == status_success);
  p.client.send(datagram("/old/d/x", "1", "bytes"));
  const packet normal = listener.read();
  CHECK(normal.type == type_publish);
  CHECK(normal.url == "/d/x");
  CHECK(normal.param == "1");
  CHECK(normal.data == "bytes");

  udp_peer quick;
  tcp_peer sender{p.front.service("gateway")};
  sender.handshake({}, quick.port());
  quick.send_to(p.front.service("gateway"), datagram("/old/d/y", "2", {}, sender.client_id()));
  const auto arrived = quick_listener.receive_packet();
  REQUIRE(arrived);
  CHECK(arrived->url == "/d/y");
  CHECK(arrived->param == "2");
  // Elsewhere they stay.
  p.client.send(datagram("/d/z", "3"));
  p.client.ask(ping(9));
  CHECK(listener.silent());
}

TEST_CASE("streams are relayed") {
  pair p;
  const packet offer = p.client.ask(rpc(1, "/old/stream", R"({"dir":"echo"})"));
  REQUIRE(offer.status == status_success);
  REQUIRE((offer.flags & flag_tunnel) != 0);
  const std::string bytes = pattern(3 << 20);
  CHECK((through_stream(offer.tunid, bytes) == bytes));
  p.front.signal(SIGTERM);
  p.front.wait_exit();
  CHECK(p.front.lines_with(" streams=1 streams_failed=0 ").size() == 1);
}

TEST_CASE("over TLS: calls, datagrams that were quick, and streams") {
  certificate_authority ca;
  pair p("    tls: { " + ca.issue().yaml() + " }\n", ", tls: { ca: " + ca.cert() + " }");
  CHECK(p.client.ask(rpc(1, "/old/echo", "7")).param == "7");
  const packet offer = p.client.ask(rpc(2, "/old/stream", R"({"dir":"echo"})"));
  REQUIRE((offer.flags & flag_tunnel) != 0);
  const std::string bytes = pattern(300000);
  CHECK((through_stream(offer.tunid, bytes) == bytes));
}

TEST_CASE("the files of TLS are read before root is given up, and must be good") {
  certificate_authority ca;
  const auto files = ca.issue();
  const std::string tls =
      ", tls: { ca: " + ca.cert() + ", cert: " + files.cert + ", key: " + files.key + " }";
  SUBCASE("only root can read the key") {
    if (::geteuid() != 0) {
      MESSAGE("not root: nothing to see");
      return;
    }
    std::filesystem::permissions(files.key, std::filesystem::perms{0600});
    // No plugins: the build may be where only root may go.
    const daemon_runner front{
        "runtime: { user: nobody }\nplugins: { directory: /nonexistent }\nservices:\n"
        "  - name: gateway\n    listen: \"127.0.0.1:0\"\n    commands:\n" +
        stripped("vsoa://127.0.0.1:9", tls)};
    CHECK(front.wait_for_line("not connected: "));
    CHECK(front.lines_with("error").empty());
  }
  SUBCASE("no good") {
    std::filesystem::remove(files.key);
    daemon_runner front{gateway(stripped("vsoa://127.0.0.1:9", tls)), {{}, {}, false}};
    CHECK(front.wait_exit().code == 1);
    CHECK(front.lines_with(files.key).size() == 1);
  }
}

TEST_CASE("services that forward in a circle, by an address that the file does not show") {
  const std::uint16_t port = scripted_server().port();  // free, now that it is gone
  daemon_runner names{
      with_plugins("position:\n  listen: \"127.0.0.1:0\"\n"
                   "  entries: [ { name: other, address: 127.0.0.1, port: " +
                   std::to_string(port) + " } ]\n")};
  daemon_runner front{gateway("      /old/: { forward: \"vsoa://other\" }\n",
                              "  - name: second\n    listen: \"0.0.0.0:" + std::to_string(port) +
                                  "\"\n    commands: { /old/: { forward: \"vsoa://gateway\" } }\n"
                                  "position: { upstream: \"127.0.0.1:" +
                                  std::to_string(names.position().port) + "\" }\n")};
  CHECK(front.wait_for_line("forwards /old/ back"));
  tcp_peer client{front.service("gateway")};
  CHECK(client.ask(rpc(1, "/old/a")).status == status_proxy);
}

TEST_CASE("a server whose certificate is no good is not spoken to") {
  certificate_authority ca, other;
  daemon_runner upstream{legacy("    tls: { " + ca.issue().yaml() + " }\n")};
  const std::string to = url_of(upstream.service("legacy"));
  daemon_runner front{gateway(stripped(to, ", tls: { ca: " + other.cert() + " }"))};
  REQUIRE(front.wait_for_line("not connected: "));
  tcp_peer client{front.service("gateway")};
  CHECK(client.ask(rpc(1, "/old/echo")).status == status_proxy);
  // Until the file has another CA, and is read again.
  std::filesystem::copy_file(ca.cert(), other.cert(),
                             std::filesystem::copy_options::overwrite_existing);
  front.signal(SIGHUP);
  REQUIRE(front.wait_for_line("certificates read again"));
  REQUIRE(front.wait_for_line(" connected at "));
}

TEST_CASE("with a password") {
  const std::string open = "    credentials: [ { role: gateway, password: sesame } ]\n";
  pair p(open, ", password: sesame");
  CHECK(p.client.ask(rpc(1, "/old/echo", "7")).param == "7");
  CHECK(p.front.output().find("sesame") == std::string::npos);

  daemon_runner front{gateway(stripped(url_of(p.upstream.service("legacy")), ", password: wrong"))};
  REQUIRE(front.wait_for_line("not connected: "));
  tcp_peer client{front.service("gateway")};
  const packet refused = client.ask(rpc(1, "/old/echo"));
  CHECK(refused.status == status_proxy);
  CHECK(refused.param == R"({"error":"upstream is not connected"})");
}

TEST_CASE("by name: a service of this daemon, an entry, a name of the upstream position server") {
  daemon_runner upstream{legacy("position: { listen: \"127.0.0.1:0\" }\n")};
  const endpoint at = upstream.service("legacy");
  const std::string commands =
      "      /here/: { forward: \"vsoa://back\", strip_prefix: true }\n"
      "      /entry/: { forward: \"vsoa://Known\", strip_prefix: true }\n"
      "      /there/: { forward: \"vsoa://legacy\", strip_prefix: true }\n"
      "      /nowhere/: { forward: \"vsoa://nobody\", strip_prefix: true }\n";
  const std::string rest = R"(  - name: back
    listen: [ "127.0.0.1:0" ]
    plugins: [ echo ]
position:
  entries: [ { name: known, address: 127.0.0.1, port: )" +
                           std::to_string(at.port) + R"( } ]
  upstream: [ "127.0.0.1:)" +
                           std::to_string(upstream.position().port) + "\" ]\n";
  runner_options options;
  options.environment["VSOA_POS_SERVER"] = "127.0.0.1:9";  // nobody there
  daemon_runner front{gateway(commands, rest), options};
  tcp_peer client{front.service("gateway")};
  client.handshake();
  for (const std::string url : {"/here/echo", "/entry/echo", "/there/echo"}) {
    CAPTURE(url);
    CHECK(wait_until([&] { return client.ask(rpc(1, url)).status == status_success; }));
  }
  CHECK(client.ask(rpc(1, "/nowhere/echo")).status == status_proxy);
}

TEST_CASE("a service that is its own upstream, by a name from elsewhere, notices") {
  const std::uint16_t port = scripted_server().port();  // free, now that it is gone
  daemon_runner names{
      with_plugins("position:\n  listen: \"127.0.0.1:0\"\n"
                   "  entries: [ { name: other, address: 127.0.0.1, port: " +
                   std::to_string(port) + " } ]\n")};
  daemon_runner front{
      with_plugins("services:\n  - name: gateway\n    listen: \"127.0.0.1:" + std::to_string(port) +
                   "\"\n    commands: { /: { forward: \"vsoa://other\" } }\n"
                   "position: { upstream: \"127.0.0.1:" +
                   std::to_string(names.position().port) + "\" }\n")};
  REQUIRE(front.wait_for_line("is this service itself"));
  tcp_peer client{front.service("gateway")};
  CHECK(client.ask(rpc(1, "/a")).status == status_proxy);
}

TEST_CASE("a name that nobody knows") {
  daemon_runner front{
      gateway("      /old/: { forward: \"vsoa://loop\" }\n",
              "position: { listen: \"127.0.0.1:0\", upstream: \"127.0.0.1:9\" }\n")};
  REQUIRE(front.wait_for_line("not connected: "));
  tcp_peer client{front.service("gateway")};
  CHECK(client.ask(rpc(1, "/old/echo")).status == status_proxy);
}

}  // namespace forward_test
