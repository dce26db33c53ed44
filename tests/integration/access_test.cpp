// services[].access: what clients of a role may do, on both channels.
#include <doctest/doctest.h>
#include <signal.h>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace access_test {

using namespace vsoa_test;

constexpr std::uint8_t status_no_permissions = 5;

const std::string rules = R"(    credentials:
      - { role: operator, password: o }
      - { role: viewer, password: v }
    access:
      - { role: viewer, allow: subscribe, urls: /telemetry/ }
      - { role: operator, allow: [ call, subscribe, datagram ], urls: / }
      - { allow: call, urls: /echo }
    topics: { /telemetry/: { relay: true, retain: last }, /plain/: { relay: true } }
)";

TEST_CASE("each role does what its rules allow, and nothing else") {
  daemon_runner vsoad{one_service(rules)};
  tcp_peer boss{vsoad.service()};
  boss.handshake("o");
  udp_peer quick;
  tcp_peer viewer{vsoad.service()};
  viewer.handshake("v", quick.port());

  CHECK(viewer.ask(rpc(1, "/echo", "1")).status == status_success);
  CHECK(viewer.ask(rpc(2, "/publish", "\"/telemetry/a\"")).status == status_no_permissions);
  // A last value is read by a call.
  boss.send(datagram("/telemetry/a", "7"));
  CHECK(boss.ask(rpc(3, "/telemetry/a")).param == "7");
  CHECK(viewer.ask(rpc(4, "/telemetry/a")).status == status_no_permissions);

  CHECK(viewer.ask(subscribe(5, "/")).status == status_no_permissions);
  CHECK(viewer.ask(subscribe(6, "/plain/")).status == status_no_permissions);
  CHECK(viewer.ask(subscribe(7, "/telemetry/")).status == status_success);
  CHECK(viewer.read().param == "7");

  CHECK(boss.ask(subscribe(8, "/")).status == status_success);
  CHECK(boss.read().param == "7");
  viewer.send(datagram("/telemetry/a", "8"));
  viewer.send(datagram("/plain/a", "8"));
  quick.send_to(vsoad.service(), datagram("/plain/a", "8", {}, viewer.client_id()));
  viewer.ask(ping(9));
  boss.send(datagram("/plain/a", "9"));
  CHECK(boss.read().param == "9");
  vsoad.signal(SIGTERM);
  CHECK(vsoad.wait_exit().code == 0);
  REQUIRE(vsoad.lines_with("service \"main\": ").size() >= 1);
  const auto ends = vsoad.lines_with(" denied=");
  REQUIRE(ends.size() == 1);
  // The quick one may have come too late to be counted.
  CHECK((ends[0].find(" denied=7 ") != std::string::npos ||
         ends[0].find(" denied=6 ") != std::string::npos));
}

TEST_CASE("an open service can have rules for everybody") {
  const daemon_runner vsoad{one_service("    access: [ { allow: call, urls: [ /echo ] } ]\n")};
  tcp_peer client{vsoad.service()};
  client.handshake();
  CHECK(client.ask(rpc(1, "/echo", "1")).param == "1");
  CHECK(client.ask(rpc(2, "/publish", "\"/a\"")).status == status_no_permissions);
  CHECK(client.ask(subscribe(3, "/a")).status == status_no_permissions);
}

}  // namespace access_test
