// TLS of the client, and streams, against our own server.
#include <doctest/doctest.h>

#include "../server/tls_server.hpp"
#include "scripted_server.hpp"
#include "test_client.hpp"
#include "vsoa/fetch.hpp"

namespace tls_test {

using namespace vsoa_test;
using std::chrono::milliseconds;

vsoa::connect_options trusted(const certificate_authority& ca) {
  vsoa::connect_options how;
  how.tls = verifying(ca);
  return how;
}

TEST_CASE("one-way: calls, publishes, the server's certificate; no quick channel") {
  certificate_authority ca;
  test_server server(secured(ca));
  server->command("/echo", echo);
  server.start();
  running_loops own;
  vsoa::client c(own.loops);
  arrivals<message> messages;
  c.on_message(into(messages));
  CHECK(!c.peer_certificate());
  REQUIRE(!c.connect(url_of(server.at()), trusted(ca)));
  CHECK(c.info()->secure);
  CHECK(c.info()->quick_port == 0);
  REQUIRE(c.peer_certificate());
  CHECK(c.peer_certificate()->subject_text() == "CN=server");
  const std::string data(200000, 'x');
  for (int i = 0; i < 5; ++i) {
    vsoa::reply answer;
    CHECK(!c.fetch({"/echo", text_payload("{}", data)}, answer));
    CHECK(answer.data.size() == data.size());
  }
  REQUIRE(!c.subscribe("/a"));
  server->publish("/a", text_payload("1"));
  CHECK(messages.take().param == "1");
  CHECK(!c.datagram("/d", {}, vsoa::channel::quick));
  c.disconnect();
  REQUIRE(!c.connect(url_of(server.at()), trusted(ca)));
  vsoa::reply answer;
  vsoa::fetch_options once;
  once.connect = trusted(ca);
  CHECK(
      !vsoa::fetch("vsoa://localhost:" + std::to_string(server.at().port) + "/echo", answer, once));
}

TEST_CASE("whom a client does not trust, it does not talk to") {
  certificate_authority ca;
  certificate_authority other("Other CA");
  test_server server(secured(ca));
  server.start();
  running_loops own;
  vsoa::client c(own.loops);
  const auto failed = vsoa::connect_errc::tls_failed;
  CHECK(c.connect(url_of(server.at()), trusted(other)) == failed);
  auto misnamed = trusted(ca);
  misnamed.tls->host = "elsewhere.example";
  CHECK(c.connect(url_of(server.at()), misnamed) == failed);
  auto absent = trusted(ca);
  absent.tls->ca = "/nonexistent/ca.crt";
  CHECK(c.connect(url_of(server.at()), absent) == failed);
  vsoa::robot_options robot;
  robot.connect = absent;
  CHECK_THROWS_AS(c.start_robot(url_of(server.at()), robot), vsoa::tls_error);
  auto blind = trusted(other);
  blind.tls->verify = vsoa::tls_verify::none;
  CHECK(!c.connect(url_of(server.at()), blind));
}

TEST_CASE("a host that can be no certificate's fails the connect, with an error") {
  certificate_authority ca;
  test_server server(secured(ca));
  server.start();
  running_loops own;
  vsoa::client c(own.loops);
  auto how = trusted(ca);
  SUBCASE("of the options") {
    how.tls->host = "%x";
    CHECK(c.connect(url_of(server.at()), how) == vsoa::connect_errc::tls_failed);
  }
  SUBCASE("of the URL") {
    how.resolver = [&](std::string_view name, vsoa::position_domain, auto found) {
      vsoa::position_entry entry{std::string(name), {}, true};
      entry.address = *vsoa::socket_address::parse("127.0.0.1:" + std::to_string(server.at().port));
      found(entry);
    };
    CHECK(c.connect("vsoa://" + std::string(300, 'a'), how) == vsoa::connect_errc::tls_failed);
  }
  how.tls->host = "localhost";
  CHECK(!c.connect(url_of(server.at()), how));
}

TEST_CASE("mutual: the server knows the client's certificate") {
  certificate_authority ca;
  test_server server(mutual(ca));
  server.start();
  running_loops own;
  vsoa::client c(own.loops);
  CHECK(c.connect(url_of(server.at()), trusted(ca)) != std::error_code());
  auto how = trusted(ca);
  how.tls->identity = to_identity(ca.issue({.name = "gateway-1"}));
  REQUIRE(!c.connect(url_of(server.at()), how));
  const auto seen = server->peer_certificate(c.info()->client_id);
  REQUIRE(seen);
  CHECK(seen->subject_text() == "CN=gateway-1");
}

TEST_CASE("one side with TLS, the other without") {
  certificate_authority ca;
  test_server safe(secured(ca));
  test_server open;
  safe.start();
  open.start();
  running_loops own;
  vsoa::client c(own.loops);
  auto how = trusted(ca);
  how.timeout = milliseconds(3000);
  CHECK(c.connect(url_of(open.at()), how) == vsoa::connect_errc::tls_failed);
  how.tls.reset();
  const auto error = c.connect(url_of(safe.at()), how);
  CHECK(error.category() == vsoa::connect_category());
  CHECK(error != vsoa::connect_errc::ok);
  // Silence: a time limit of its own.
  scripted_server silent;
  how = trusted(ca);
  how.tls->handshake_timeout = milliseconds(50);
  CHECK(c.connect(silent.url(), how) == vsoa::connect_errc::tls_failed);
}

TEST_CASE("a position entry that demands TLS gets it; one that does not takes none away") {
  certificate_authority ca;
  test_server server(secured(ca));
  server.start();
  running_loops own;
  const auto at = *vsoa::socket_address::parse("127.0.0.1:" + std::to_string(server.at().port));
  vsoa::position_server position(own.loops, [&](const vsoa::position_query& q, auto answer) {
    answer(vsoa::position_entry{q.name, at, q.name == "secure"});
  });
  auto how = trusted(ca);
  how.tls->host = "localhost";
  how.position_servers = {position.listen(*vsoa::socket_address::parse("127.0.0.1:0"))};
  position.start();
  vsoa::client c(own.loops);
  for (const char* url : {"vsoa://secure", "vsoa://plain"}) {
    CHECK(!c.connect(url, how));
    CHECK(c.info()->secure);
    c.disconnect();
  }
}

TEST_CASE("the robot comes back over TLS") {
  certificate_authority ca;
  test_server server(secured(ca));
  server.start();
  running_loops own;
  vsoa::client c(own.loops);
  arrivals<int> up;
  c.on_connect([&](const vsoa::server_info&) { up.put(1); });
  vsoa::robot_options options;
  options.connect = trusted(ca);
  options.reconnect_delay = milliseconds(20);
  c.start_robot(url_of(server.at()), options);
  for (int i = 0; i < 3; ++i) {
    up.take();
    REQUIRE(wait_until([&] { return c.info().has_value(); }));
    CHECK(server->close(c.info()->client_id));
  }
  up.take();
}

TEST_CASE("set_tls(): the robot trusts and shows what it is given, from its next attempt on") {
  certificate_authority ca;
  certificate_authority other("Other CA");
  test_server server(mutual(ca));
  server.start();
  running_loops own;
  vsoa::client c(own.loops);
  arrivals<int> up;
  arrivals<std::error_code> failed;
  c.on_connect([&](const vsoa::server_info&) { up.put(1); });
  c.on_connect_failed([&](std::error_code why) { failed.put(why); });
  vsoa::robot_options options;
  options.connect = trusted(other);
  options.reconnect_delay = milliseconds(20);
  c.start_robot(url_of(server.at()), options);
  CHECK(failed.take() == vsoa::connect_errc::tls_failed);
  auto tls = *trusted(ca).tls;
  tls.identity = to_identity(ca.issue({.name = "gateway-2"}));
  tls.ca = "/nonexistent/ca.crt";
  CHECK_THROWS_AS(c.set_tls(tls), vsoa::tls_error);
  tls.ca = ca.cert();
  c.set_tls(tls);
  up.take();
  REQUIRE(wait_until([&] { return c.info().has_value(); }));
  const auto seen = server->peer_certificate(c.info()->client_id);
  REQUIRE(seen);
  CHECK(seen->subject_text() == "CN=gateway-2");
}

TEST_CASE("a stream that the server offers, over TLS if the session is") {
  certificate_authority ca;
  bool safe = false;
  SUBCASE("plain") {}
  SUBCASE("TLS") {
    safe = true;
  }
  test_server server(safe ? secured(ca) : vsoa::server_options());
  server->command("/stream", [&](vsoa::call& call) {
    vsoa::stream_callbacks callbacks;
    callbacks.on_data = [](const vsoa::stream& s, std::span<const std::byte> bytes) {
      s.send(bytes);
    };
    const auto offer = server->create_stream(call.client(), callbacks);
    call.reply(vsoa::status::success, {}, offer.tunid);
  });
  server.start();
  arrivals<std::string> told;
  running_loops own;
  auto c = std::make_unique<vsoa::client>(own.loops);
  CHECK(!c->create_stream(1, {}));
  REQUIRE(!c->connect(url_of(server.at()), safe ? trusted(ca) : vsoa::connect_options()));
  CHECK(!c->create_stream(0, {}));
  vsoa::reply answer;
  REQUIRE(!c->fetch({.url = "/stream"}, answer));
  REQUIRE(answer.tunid != 0);
  vsoa::stream_callbacks callbacks;
  callbacks.on_link = [&](const vsoa::stream&, bool on) { told.put(on ? "up" : "down"); };
  callbacks.on_data = [&](const vsoa::stream&, std::span<const std::byte> bytes) {
    told.put({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  const auto s = c->create_stream(answer.tunid, callbacks);
  REQUIRE(s);
  CHECK(told.take() == "up");
  const std::string text = "through";
  CHECK(s.send(std::as_bytes(std::span(text))) == text.size());
  CHECK(told.take() == text);
  SUBCASE("outlives the connection") {
    c->disconnect();
    REQUIRE(!c->run());
    CHECK(s.send(std::as_bytes(std::span(text))) == text.size());
    CHECK(told.take() == text);
    s.close();
    CHECK(told.take() == "down");
  }
  SUBCASE("but not the client") {
    c.reset();
    CHECK(told.size() == 1);
    CHECK(told.take() == "down");
  }
  SUBCASE("nor one that ends on its loop") {
    own.loops.post(0, [&] { c.reset(); });
    CHECK(told.take() == "down");
  }
}

}  // namespace tls_test
