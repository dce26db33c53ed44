// What a client may do before it has given the password, and on an open service before it has
// shaken hands at all.
#include <doctest/doctest.h>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace auth_gate_test {

using namespace vsoa_test;

const std::string guarded = R"(    credentials: [ { role: user, password: secret } ]
    topics: { /relay/: { relay: true } }
)";

packet of_type(std::uint8_t type) {
  return {.type = type, .seqno = 4, .url = "/echo", .param = R"({"passwd":"secret"})", .data = {}};
}

TEST_CASE(
    "with a password, requests before it are answered PASSWORD and the connection is closed") {
  const daemon_runner vsoad{one_service(guarded)};
  for (const std::uint8_t type : {type_rpc, type_subscribe, type_unsubscribe, type_pingecho}) {
    CAPTURE(int{type});
    tcp_peer client{vsoad.service()};
    const packet reply = client.ask(of_type(type));
    CHECK(reply.type == type);
    CHECK(reply.flags == flag_reply);
    CHECK(reply.status == status_password);
    CHECK(reply.seqno == 4);
    CHECK(reply.url.empty());
    CHECK(reply.param.empty());
    CHECK(reply.data.empty());
    CHECK(client.wait_end() == ending::closed);
  }
}

TEST_CASE("what is never answered closes the connection without a word") {
  const daemon_runner vsoad{one_service(guarded)};
  for (const std::uint8_t type :
       {type_datagram, type_publish, type_qossetup, std::uint8_t{7}, std::uint8_t{0x80}}) {
    CAPTURE(int{type});
    tcp_peer client{vsoad.service()};
    client.send(of_type(type));
    CHECK_FALSE(client.try_read(patience));
    CHECK(client.wait_end() != ending::none);
  }
}

TEST_CASE("NOOP and replies before the password are ignored") {
  const daemon_runner vsoad{one_service(guarded)};
  tcp_peer client{vsoad.service()};
  client.send(of_type(type_noop));
  for (const std::uint8_t type : {type_servinfo, type_rpc, type_datagram, std::uint8_t{7}}) {
    packet reply = of_type(type);
    reply.flags = flag_reply;
    client.send(reply);
  }
  CHECK(client.silent());
  CHECK(client.handshake("secret").status == status_success);
}

TEST_CASE("nothing that came before a wrong password has effect") {
  const daemon_runner vsoad{one_service(guarded)};
  tcp_peer listener{vsoad.service()};
  listener.handshake("secret");
  CHECK(listener.ask(subscribe(1, "/")).status == status_success);
  tcp_peer client{vsoad.service()};
  client.send(datagram("/relay/a", "1").bytes() + servinfo(0, R"({"passwd":"secret"})").bytes());
  CHECK(client.wait_end() != ending::none);
  CHECK(listener.silent());
}

TEST_CASE("without a password everything works before the handshake") {
  const daemon_runner vsoad{one_service("    topics: { /relay/: { relay: true } }\n")};
  tcp_peer client{vsoad.service()};
  CHECK(client.ask(rpc(1, "/echo", "1")).param == "1");
  CHECK(client.ask(ping(2)).status == status_success);
  CHECK(client.ask(subscribe(3, "/relay/")).status == status_success);
  client.send(datagram("/relay/a", "2"));
  CHECK(client.ask_for_reply(unsubscribe(4, "/relay/")).status == status_success);
}

TEST_CASE("an open service ignores what only servers send, what it does not know, and replies") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  for (const std::uint8_t type : {type_publish, type_qossetup, type_noop, std::uint8_t{7}})
    client.send(of_type(type));
  for (const std::uint8_t type : {type_servinfo, type_rpc, type_subscribe, type_pingecho}) {
    packet reply = of_type(type);
    reply.flags = flag_reply;
    client.send(reply);
  }
  CHECK(client.silent());
  CHECK(client.ask(ping(5)).seqno == 5);
}

}  // namespace auth_gate_test
