// PINGECHO and NOOP.
#include <doctest/doctest.h>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace ping_test {

using namespace vsoa_test;

TEST_CASE("a ping is answered empty, whatever it carried") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  for (const std::uint32_t seqno : {0U, 1U, 0xFFFFFFFFU}) {
    packet request = ping(seqno);
    request.url = "/x";
    request.param = "{}";
    request.data = "data";
    const packet reply = client.ask(request);
    CHECK(reply.type == type_pingecho);
    CHECK(reply.flags == flag_reply);
    CHECK(reply.status == status_success);
    CHECK(reply.seqno == seqno);
    CHECK(reply.url.empty());
    CHECK(reply.param.empty());
    CHECK(reply.data.empty());
  }
}

TEST_CASE("a NOOP is answered by nothing and disturbs nothing") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  packet noop = ping(65536);
  noop.type = type_noop;
  client.send(rpc(1, "/echo", "1").bytes() + noop.bytes() + noop.bytes() + ping(2).bytes());
  CHECK(client.read().type == type_rpc);
  CHECK(client.read().type == type_pingecho);
  CHECK(client.silent());
}

}  // namespace ping_test
