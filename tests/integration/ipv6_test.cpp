// Services on IPv6, and on both families at once.
#include <doctest/doctest.h>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace ipv6_test {

using namespace vsoa_test;

std::string config(const std::string& listen) {
  return with_plugins("services:\n  - name: main\n    listen: " + listen + R"(
    commands: { /echo: { plugin: echo }, /publish: { plugin: echo, command: /publish } }
    topics: { /relay/: { relay: true } }
)");
}

TEST_CASE("calls, publishes and the quick channel over IPv6") {
  const daemon_runner vsoad{config("\"[::1]:0\"")};
  const endpoint server = vsoad.service();
  CHECK(server.ip == "::1");
  tcp_peer client{server};
  udp_peer udp{"::1"};
  client.handshake({}, udp.port());
  CHECK(client.ask(rpc(1, "/echo", "1", "data")).data == "data");
  CHECK(client.ask(subscribe(2, "/relay/")).status == status_success);
  udp.send_to(server, datagram("/relay/a", "5", "", client.client_id()));
  endpoint from;
  const auto got = udp.receive_packet(patience, &from);
  REQUIRE(got);
  CHECK(got->param == "5");
  CHECK(from == server);
}

TEST_CASE("clients of one service meet, whatever address they came by") {
  const daemon_runner vsoad{config("[ \"127.0.0.1:0\", \"[::1]:0\" ]")};
  tcp_peer v4{vsoad.service("main", 0)};
  tcp_peer v6{vsoad.service("main", 1)};
  v4.handshake();
  v6.handshake();
  CHECK(v6.ask(subscribe(1, "/x")).status == status_success);
  CHECK(v4.ask(rpc(2, "/publish", "\"/x\"", "met")).status == status_success);
  CHECK(v6.read().data == "met");
}

TEST_CASE("on a wildcard address quick publishes come from the address that the client knows") {
  for (const std::string ip : {"127.0.0.1", "127.0.0.9"}) {
    CAPTURE(ip);
    const daemon_runner vsoad{config("\"0.0.0.0:0\"")};
    const endpoint server{ip, vsoad.service().port};
    tcp_peer client{server};
    udp_peer udp;
    client.handshake({}, udp.port());
    CHECK(client.ask(subscribe(1, "/relay/")).status == status_success);
    endpoint from;
    client.send(datagram("/relay/by-tcp", "1"));
    CHECK(client.read().url == "/relay/by-tcp");
    udp.send_to(server, datagram("/relay/a", "5", "", client.client_id()));
    REQUIRE(udp.receive_packet(patience, &from));
    CHECK(from == server);
  }
}

TEST_CASE("both wildcards on ports of their own serve their own family") {
  const daemon_runner vsoad{config("[ \"0.0.0.0:0\", \"[::]:0\" ]")};
  tcp_peer v4{{"127.0.0.1", vsoad.service("main", 0).port}};
  tcp_peer v6{{"::1", vsoad.service("main", 1).port}};
  CHECK(v4.handshake().status == status_success);
  CHECK(v6.handshake().status == status_success);
}

}  // namespace ipv6_test
