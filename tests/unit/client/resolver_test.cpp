// Names that the application resolves itself, attempts of the robot that fail, and where streams
// are.
#include <doctest/doctest.h>

#include "test_client.hpp"
#include "vsoa/fetch.hpp"
#include "vsoa/position.hpp"

namespace resolver_test {

using namespace vsoa_test;

vsoa::socket_address address_of(const endpoint& at) {
  return {*vsoa::ip_address::parse(at.ip), at.port};
}

TEST_CASE("a resolver of one's own is asked, at once or later, and nobody else") {
  test_server server;
  server.start();
  running_loops r;
  for (const bool later : {false, true}) {
    vsoa::client client(r.loops);
    vsoa::connect_options options;
    std::string asked;
    options.resolver = [&](std::string_view name, vsoa::position_domain, auto found) {
      asked = name;
      vsoa::position_entry entry;
      entry.address = address_of(server.at());
      if (!later) return found(entry);
      r.loops.start_timer(0, milliseconds(1), milliseconds(0), [found, entry] { found(entry); });
    };
    CHECK_FALSE(client.connect("vsoa://Cabin", options));
    CHECK(asked == "cabin");
  }
}

TEST_CASE("a resolver that knows nothing, that demands TLS, that never answers") {
  running_loops r;
  vsoa::client client(r.loops);
  vsoa::connect_options options;
  options.resolver = [](std::string_view, vsoa::position_domain, auto found) { found({}); };
  CHECK(client.connect("vsoa://cabin", options) == vsoa::connect_errc::not_found);
  options.resolver = [](std::string_view, vsoa::position_domain, auto found) {
    vsoa::position_entry entry;
    entry.address = *vsoa::socket_address::parse("127.0.0.1:9", {});
    entry.secure = true;
    found(entry);
  };
  const auto refused = client.connect("vsoa://cabin", options);
  CHECK((refused == vsoa::connect_errc::tls_failed || refused == vsoa::connect_errc::error));
  options.resolver = [](std::string_view, vsoa::position_domain, auto) {};
  options.timeout = milliseconds(50);
  CHECK(client.connect("vsoa://cabin", options) == vsoa::connect_errc::not_found);
}

TEST_CASE("where position queries are answered nothing blocks") {
  running_loops r;
  vsoa::client client(r.loops);
  arrivals<std::error_code> told;
  vsoa::position_server position(r.loops, [&](const vsoa::position_query&, auto answer) {
    told.put(client.connect("vsoa://127.0.0.1:9"));
    told.put(client.ping());
    vsoa::reply reply;
    told.put(vsoa::fetch("vsoa://127.0.0.1:9", reply));
    answer({});
  });
  const auto at = position.listen(*vsoa::socket_address::parse("127.0.0.1:0"));
  position.start();
  CHECK(!vsoa::lookup("x", {at}));
  for (int i = 0; i < 3; ++i)
    CHECK(told.take() == vsoa::errc::would_deadlock);
}

TEST_CASE("each failed attempt of a robot is told") {
  running_loops r;
  arrivals<std::error_code> failures;
  vsoa::client client(r.loops);
  client.on_connect_failed([&](std::error_code why) { failures.put(why); });
  vsoa::robot_options robot;
  robot.reconnect_delay = milliseconds(20);
  robot.connect.resolver = [](std::string_view, vsoa::position_domain, auto found) { found({}); };
  client.start_robot("vsoa://cabin", robot);
  CHECK(failures.take() == vsoa::connect_errc::not_found);
  CHECK(failures.take() == vsoa::connect_errc::not_found);
  client.disconnect();
}

TEST_CASE("where a stream is") {
  test_server server;
  server.start();
  running_loops r;
  vsoa::client client(r.loops);
  CHECK_FALSE(client.stream_at(5));
  REQUIRE_FALSE(client.connect(url_of(server.at())));
  CHECK_FALSE(client.stream_at(0));
  const auto at = client.stream_at(5);
  REQUIRE(at);
  CHECK(at->address.to_string() == "127.0.0.1:5");
  CHECK(at->from == vsoa::ip_address::parse("127.0.0.1"));
  CHECK_FALSE(at->tls);
}

}  // namespace resolver_test
