// What can be changed while a server runs: its addresses, its limits, what it says of itself.

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <system_error>

#include "test_server.hpp"

namespace change_test {

using namespace vsoa_test;
using vsoa::channel;

vsoa::socket_address any_port() {
  return *vsoa::socket_address::parse("127.0.0.1:0");
}

bool connects(const endpoint& at) {
  try {
    tcp_peer peer(at);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

TEST_CASE("an address is added to a running server") {
  for (const std::size_t loops : {1U, 2U}) {
    test_server server({}, loops);
    server->command("/echo", echo);
    server.start();
    const endpoint second = to_endpoint(server->listen(any_port()));
    CHECK(server->addresses().size() == 2);
    for (const endpoint& at : {server.at(), second}) {
      tcp_peer peer(at);
      peer.handshake();
      CHECK(peer.ask_for_reply(rpc(1, "/echo", "1")).param == "1");
    }
  }
}

TEST_CASE("a server listens on sockets that are bound already") {
  const vsoa::bound_sockets sockets = vsoa::bind_sockets(any_port());
  // As systemd hands them over: blocking, and seen by children.
  for (const int fd : {sockets.tcp, sockets.udp}) {
    ::fcntl(fd, F_SETFD, 0);
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  }
  test_server server;
  server.start();
  const endpoint at = to_endpoint(server->listen(sockets));
  CHECK((::fcntl(sockets.tcp, F_GETFD) & FD_CLOEXEC) != 0);
  CHECK((::fcntl(sockets.tcp, F_GETFL) & O_NONBLOCK) != 0);
  udp_peer udp;
  tcp_peer peer(at);
  peer.handshake({}, udp.port());
  REQUIRE(server->datagram(peer.client_id(), "/d", text_payload("1"), channel::quick));
  endpoint from;
  REQUIRE(udp.receive_packet(patience, &from));
  CHECK(from == at);
}

TEST_CASE("sockets of another kind are refused, and closed") {
  test_server server;
  server.start();
  const int tcp = ::socket(AF_INET, SOCK_STREAM, 0);  // does not listen
  const int udp = ::socket(AF_INET, SOCK_DGRAM, 0);
  CHECK_THROWS_AS(server->listen(vsoa::bound_sockets{tcp, udp}), std::system_error);
  CHECK(::fcntl(tcp, F_GETFD) == -1);
  CHECK(::fcntl(udp, F_GETFD) == -1);
  CHECK_THROWS_AS(server->listen(vsoa::bound_sockets{-1, -1}), std::system_error);
  CHECK(server->addresses().size() == 1);
}

TEST_CASE("an address is closed: its clients stay, and the port is free") {
  for (const std::size_t loops : {1U, 2U}) {
    test_server server({}, loops);
    server->command("/echo", echo);
    server.start();
    const vsoa::socket_address second = server->listen(any_port());
    udp_peer udp;
    tcp_peer first_client = server.client(udp.port());
    tcp_peer peer(to_endpoint(second));
    peer.handshake({}, udp.port());

    CHECK(server->close_listener(second));
    CHECK_FALSE(server->close_listener(second));
    CHECK(server->addresses().size() == 1);
    CHECK_FALSE(connects(to_endpoint(second)));
    CHECK(peer.ask_for_reply(rpc(1, "/echo", "1")).param == "1");
    // Its quick channel is gone, that of others is not.
    CHECK(server->datagram(first_client.client_id(), "/d", text_payload("1"), channel::quick));
    CHECK(udp.receive_packet());

    // Somebody else can have both ports at once.
    test_server other;
    CHECK(other->listen(second) == second);
  }
}

TEST_CASE("one address passes from a server to another without a gap") {
  test_server one;
  test_server other;
  other->command("/echo", echo);
  one.start();
  other.start();
  const vsoa::bound_sockets held = vsoa::bind_sockets(any_port());
  const auto share = [&] { return vsoa::bound_sockets{::dup(held.tcp), ::dup(held.udp)}; };
  const vsoa::socket_address at = one->listen(share());
  REQUIRE(one->close_listener(at));
  tcp_peer early(to_endpoint(at));  // waits in the kernel's queue
  CHECK(other->listen(share()) == at);
  early.handshake();
  CHECK(early.ask_for_reply(rpc(1, "/echo", "1")).param == "1");
  ::close(held.tcp);
  ::close(held.udp);
}

TEST_CASE("set_info: for the next handshake") {
  vsoa::server_options options;
  options.info = R"("old")";
  test_server server(options);
  server.start();
  tcp_peer peer = server.connect();
  CHECK(peer.handshake().param == R"("old")");
  server->set_info(R"({"a":1})");
  tcp_peer next = server.connect();
  CHECK(next.handshake().param == R"({"a":1})");
  CHECK_THROWS_AS(server->set_info("no json"), std::invalid_argument);
}

TEST_CASE("set_limits: for new clients and those that are there") {
  test_server server;
  server->command("/echo", echo);
  server.start();
  tcp_peer peer = server.client();
  subscribe_to(peer, "/a");
  subscribe_to(peer, "/b");
  vsoa::server_limits limits;
  limits.subscriptions = 2;
  limits.clients = 1;
  server->set_limits(limits);
  server.settle();
  CHECK(peer.ask_for_reply(subscribe(1, "/c")).status == status_no_memory);
  CHECK(peer.ask_for_reply(rpc(2, "/echo", "1")).param == "1");  // it keeps what it has
  CHECK(server.connect().wait_end() != ending::none);
  limits.clients = 2;
  server->set_limits(limits);
  tcp_peer next = server.client();
  CHECK(next.ask_for_reply(rpc(1, "/echo", "1")).param == "1");
}

}  // namespace change_test
