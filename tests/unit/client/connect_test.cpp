// Connecting, disconnecting, and how attempts fail, against our own server.
#include <doctest/doctest.h>

#include "test_client.hpp"
#include "vsoa/fetch.hpp"

namespace connect_test {

using namespace vsoa_test;
using std::chrono::milliseconds;

std::error_code try_to_connect(const std::string& url, vsoa::connect_options options = {}) {
  running_loops own;
  vsoa::client c(own.loops);
  options.timeout = std::min(options.timeout, milliseconds(3000));
  return c.connect(url, options);
}

TEST_CASE("connected: info, client id, addresses; and again after disconnect()") {
  vsoa::server_options options;
  options.info = R"({"name":"lib"})";
  test_server server(options);
  server.start();
  running_loops own;
  vsoa::client c(own.loops);
  arrivals<std::string> told;
  c.on_connect([&](const vsoa::server_info& info) { told.put("up " + info.info); });
  c.on_disconnect([&](std::error_code why) { told.put(why ? "lost" : "down"); });
  CHECK(!c.info());
  for (int i = 0; i < 3; ++i) {
    CHECK(!c.connect(url_of(server.at())));
    CHECK(c.is_connected());
    const auto info = c.info();
    REQUIRE(info);
    CHECK(info->info == R"({"name":"lib"})");
    CHECK(info->client_id != 0);
    CHECK(to_endpoint(info->address) == server.at());
    CHECK(info->quick_port == server.at().port);
    REQUIRE(server->client(info->client_id));
    CHECK(server->client(info->client_id)->address == info->local);
    CHECK(c.connect(url_of(server.at())) == vsoa::errc::already_connected);
    c.disconnect();
    CHECK(!c.run());
    CHECK(told.take() == R"(up {"name":"lib"})");
    CHECK(told.take() == "down");
  }
}

TEST_CASE("localhost and IPv6 literals") {
  test_server server;
  server.start();
  CHECK(!try_to_connect("vsoa://localhost:" + std::to_string(server.at().port)));
  CHECK(!try_to_connect("127.0.0.1:" + std::to_string(server.at().port)));
  test_server six;
  six.start("::1");
  CHECK(!try_to_connect("vsoa://[::1]:" + std::to_string(six.at().port) + "/path"));
}

TEST_CASE("errors of an attempt") {
  udp_peer none;  // its port is free in TCP, as good as surely
  CHECK(try_to_connect("vsoa://127.0.0.1:" + std::to_string(none.port())) ==
        vsoa::connect_errc::error);
  CHECK(try_to_connect("vsoa://127.0.0.1") == vsoa::connect_errc::not_found);
  CHECK(try_to_connect("vsoa://localhost") == vsoa::connect_errc::not_found);
  CHECK(try_to_connect("http://127.0.0.1:1") == vsoa::connect_errc::not_found);
  CHECK(try_to_connect("") == vsoa::connect_errc::not_found);
}

TEST_CASE("passwords, with what JSON must escape") {
  const std::string password = "a\"b\\c\n\xC3\xA4";
  vsoa::server_options options;
  options.credentials = {{"", password}};
  test_server server(options);
  server.start();
  vsoa::connect_options how;
  CHECK(try_to_connect(url_of(server.at()), how) == vsoa::connect_errc::invalid_password);
  how.password = "wrong";
  CHECK(try_to_connect(url_of(server.at()), how) == vsoa::connect_errc::invalid_password);
  how.password = password;
  CHECK(!try_to_connect(url_of(server.at()), how));
}

TEST_CASE("names: the position server's answer counts, with its port") {
  test_server server;
  server.start();
  running_loops own;
  vsoa::position_server position(own.loops, [&](const vsoa::position_query& q, auto answer) {
    if (q.name == "unknown") return answer({});
    answer(vsoa::position_entry{
        q.name, *vsoa::socket_address::parse("127.0.0.1:" + std::to_string(server.at().port)),
        q.name == "secure"});
  });
  vsoa::connect_options how;
  how.position_servers = {position.listen(*vsoa::socket_address::parse("127.0.0.1:0"))};
  position.start();
  vsoa::client c(own.loops);
  CHECK(!c.connect("vsoa://Cabin", how));
  c.disconnect();
  CHECK(!c.connect("vsoa://cabin:1/path", how));
  c.disconnect();
  CHECK(c.connect("vsoa://unknown", how) == vsoa::connect_errc::not_found);
  // What demands TLS is never connected to without.
  CHECK(c.connect("vsoa://secure", how) == vsoa::connect_errc::tls_failed);
  CHECK(!c.is_connected());
}

TEST_CASE("a position server that is silent does not outlast the timeout") {
  udp_peer silent;
  running_loops own;
  vsoa::client c(own.loops);
  vsoa::connect_options how;
  how.position_servers = {
      *vsoa::socket_address::parse("127.0.0.1:" + std::to_string(silent.port()))};
  how.timeout = milliseconds(100);
  CHECK(c.connect("vsoa://cabin", how) == vsoa::connect_errc::not_found);
}

TEST_CASE("disconnect() ends an attempt, the end of the client too") {
  udp_peer silent;
  running_loops own;
  auto c = std::make_unique<vsoa::client>(own.loops);
  vsoa::connect_options how;
  how.position_servers = {
      *vsoa::socket_address::parse("127.0.0.1:" + std::to_string(silent.port()))};
  pending_outcome ended;
  c->start_connect("vsoa://cabin", how, ended.completion());
  REQUIRE(silent.receive());
  SUBCASE("disconnect()") {
    c->disconnect();
  }
  SUBCASE("the end") {
    c.reset();
  }
  CHECK(ended.get().error == vsoa::errc::cancelled);
}

TEST_CASE("on the client's loop, too, what is asked for first comes first") {
  test_server server;
  arrivals<bool> subscribed;
  server->on_datagram([&](vsoa::client_id, std::string_view, vsoa::payload_view, vsoa::channel) {
    subscribed.put(server->is_subscribed("/news"));
  });
  server.start();
  running_loops own;
  vsoa::client c(own.loops);
  arrivals<int> done;
  const auto on_the_loop = [&](const std::function<void()>& what) {
    own.loops.post(0, [&] {
      what();
      done.put(1);
    });
    done.take();
  };
  SUBCASE("start_robot() and disconnect()") {
    on_the_loop([&] {
      c.start_robot(url_of(server.at()));
      c.disconnect();
    });
    CHECK(!c.connect(url_of(server.at())));
  }
  SUBCASE("start_connect() and disconnect()") {
    pending_outcome connected;
    on_the_loop([&] {
      c.start_connect(url_of(server.at()), {}, connected.completion());
      c.disconnect();
    });
    CHECK(connected.get().error == vsoa::errc::cancelled);
  }
  SUBCASE("start_subscribe() and datagram()") {
    REQUIRE(!c.connect(url_of(server.at())));
    on_the_loop([&] {
      c.start_subscribe("/news", {});
      CHECK(c.datagram("/d"));
    });
    CHECK(subscribed.take());
  }
}

TEST_CASE("a completion may destroy the client whose disconnect() or close() it is told by") {
  udp_peer silent;
  running_loops own;
  auto c = std::make_unique<vsoa::client>(own.loops);
  vsoa::connect_options how;
  how.position_servers = {
      *vsoa::socket_address::parse("127.0.0.1:" + std::to_string(silent.port()))};
  std::promise<std::error_code> ended;
  const auto begin = [&] {
    c->start_connect("vsoa://cabin", how, [&](std::error_code error, const vsoa::reply_view&) {
      c.reset();
      ended.set_value(error);
    });
  };
  const auto on_the_loop = [&](auto&& what) {
    own.loops.start_timer(0, milliseconds(1), milliseconds(0), what);
  };
  begin();
  REQUIRE(silent.receive());
  SUBCASE("disconnect()") {
    on_the_loop([&] { c->disconnect(); });
  }
  SUBCASE("close()") {
    on_the_loop([&] { c->close(); });
  }
  SUBCASE("close() on another thread") {
    vsoa::client& by_reference = *c;
    by_reference.close();
  }
  SUBCASE("a robot that would begin") {
    on_the_loop([&] { c->start_robot("vsoa://cabin"); });
  }
  CHECK(ended.get_future().get() == vsoa::errc::cancelled);
}

TEST_CASE("linger: what waits to be sent is sent before the connection ends") {
  test_server server;
  std::atomic<std::size_t> got = 0;
  server->on_datagram([&](vsoa::client_id, std::string_view, vsoa::payload_view p, vsoa::channel) {
    got += p.data.size();
  });
  server.start();
  running_loops own;
  vsoa::client_options options;
  options.linger = patience;
  options.limits.outbox = 64U << 20;
  vsoa::client c(own.loops, options);
  REQUIRE(!c.connect(url_of(server.at())));
  const std::string data(200000, 'x');
  for (int i = 0; i < 100; ++i)
    CHECK(c.datagram("/d", text_payload("", data)));
  c.disconnect();
  CHECK(wait_until([&] { return got == 100 * data.size(); }));
}

TEST_CASE("one-shot fetch") {
  vsoa::server_options options;
  options.credentials = {{"", "pw"}};
  test_server server(options);
  server->command("/echo", echo);
  server.start();
  vsoa::reply answer;
  vsoa::fetch_options how;
  how.connect.password = "pw";
  how.payload = text_payload(R"({"a":3})");
  CHECK(!vsoa::fetch(url_of(server.at(), "/echo"), answer, how));
  CHECK(answer.param == R"({"a":3})");
  CHECK(!vsoa::fetch(url_of(server.at()), answer, how));
  CHECK(answer.status == vsoa::status::invalid_url);
  how.connect.password.clear();
  CHECK(vsoa::fetch(url_of(server.at(), "/echo"), answer, how) ==
        vsoa::connect_errc::invalid_password);
  CHECK(vsoa::fetch("vsoa://127.0.0.1/echo", answer, how) == vsoa::connect_errc::not_found);
}

}  // namespace connect_test
