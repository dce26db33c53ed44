// QoS: the priority of a role, told to the client by QOSSETUP, orders publishes.
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace priority_test {

using namespace vsoa_test;

const std::string roles = R"(    credentials:
      - { role: high, password: high }
      - { role: low, password: low }
    priority: [ { role: high, level: 7 } ]
)";

TEST_CASE("a client whose role has a priority is told so, after the handshake and apart from it") {
  const daemon_runner vsoad{one_service(roles)};
  tcp_peer client{vsoad.service()};
  client.handshake("high");
  const packet told = client.read();
  CHECK(told.type == type_qossetup);
  CHECK(told.flags == flag_reply);
  CHECK(told.status == 7);
  CHECK(told.seqno == 0);
  CHECK(told.url.empty());
  CHECK(told.param.empty());
  CHECK(told.data.empty());
  CHECK(client.silent());
}

TEST_CASE("a client without priority is told nothing") {
  const daemon_runner vsoad{one_service(roles)};
  tcp_peer client{vsoad.service()};
  client.handshake("low");
  CHECK(client.silent());
}

TEST_CASE("the answer to the handshake arrives alone even when the client is in a hurry") {
  const daemon_runner vsoad{one_service(roles)};
  tcp_peer client{vsoad.service()};
  client.send(servinfo(0, R"({"passwd":"high"})").bytes() + ping(1).bytes());
  CHECK(client.read().type == type_servinfo);
  bool told = false;
  bool answered = false;
  for (int i = 0; i < 2; ++i) {
    const packet got = client.read();
    told = told || got.type == type_qossetup;
    answered = answered || got.type == type_pingecho;
  }
  CHECK(told);
  CHECK(answered);
}

TEST_CASE("publishes reach the higher priority first") {
  // One loop: there the order holds among all clients.
  const std::string config = one_service(roles);
  const daemon_runner vsoad{"runtime: { threads: 1 }\n" + config.substr(config.find("plugins:"))};
  std::vector<tcp_peer> low;
  for (int i = 0; i < 20; ++i) {
    low.emplace_back(vsoad.service()).handshake("low");
    CHECK(low.back().ask(subscribe(1, "/x")).status == status_success);
  }
  // The last to come and to subscribe is the first to be served.
  tcp_peer high{vsoad.service()};
  high.handshake("high");
  CHECK(high.ask_for_reply(subscribe(1, "/x")).status == status_success);
  // A client that publishes from its own turn must not be served out of turn: it is not subscribed.
  tcp_peer publisher{vsoad.service()};
  publisher.handshake("low");
  CHECK(publisher.ask(rpc(1, "/publish", "\"/x\"", "d")).status == status_success);
  const packet first = high.read();
  CHECK(first.type == type_publish);
  for (auto& client : low)
    CHECK(client.read().url == "/x");
}

}  // namespace priority_test
