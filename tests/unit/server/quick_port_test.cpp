// A quick port that differs from the TCP port: only when the kernel, asked for any port, has none
// that is free for both. That takes a network of our own with few ports, hence a program of its
// own.

#include <doctest/doctest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <fstream>

#include "test_server.hpp"

namespace quick_port_test {

using namespace vsoa_test;

bool write_file(const char* path, const char* text) {
  std::ofstream file(path);
  file << text << std::flush;
  return file.good();
}

bool set_port_range(const char* range) {
  return write_file("/proc/sys/net/ipv4/ip_local_port_range", range);
}

// A network namespace with nothing in it but loopback. Must come before any thread.
bool enter_own_network() {
  if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return false;
  const unique_fd any{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP;
  return any && ::ioctl(any.get(), SIOCSIFFLAGS, &request) == 0;
}

// Keeps a TCP port of 127.0.0.1 from others.
unique_fd take_tcp_port(std::uint16_t port) {
  unique_fd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(::listen(fd.get(), 1) == 0);
  return fd;
}

TEST_CASE("a quick port of its own is announced in the handshake and used") {
  if (!enter_own_network() || !set_port_range("40000 40009")) {
    MESSAGE("skipped: no network namespace allowed here");
    return;
  }
  // UDP finds one port free of ten, and TCP finds that one taken.
  std::vector<udp_peer> taken_by_udp(9);
  unsigned free_port = 10 * 40000 + 45;
  for (const udp_peer& each : taken_by_udp)
    free_port -= each.port();
  const auto quick_port = static_cast<std::uint16_t>(free_port);
  const unique_fd taken_by_tcp = take_tcp_port(quick_port);
  udp_peer& udp = taken_by_udp.front();
  std::atomic<int> datagrams = 0;
  test_server server;
  server->on_datagram([&](vsoa::client_id, std::string_view, vsoa::payload_view,
                          vsoa::channel via) { datagrams += via == vsoa::channel::quick ? 1 : 0; });
  server.start();
  CHECK(server.at().port != quick_port);
  REQUIRE(set_port_range("41000 45000"));

  tcp_peer peer = server.connect();
  const packet reply = peer.handshake({}, udp.port());
  REQUIRE(reply.data.size() == 6);
  const auto high = static_cast<unsigned char>(reply.data[4]);
  const auto low = static_cast<unsigned char>(reply.data[5]);
  CHECK((high << 8 | low) == quick_port);
  const endpoint quick{server.at().ip, quick_port};
  udp.send_to(quick, datagram("/d", {}, {}, peer.client_id()));
  CHECK(wait_until([&] { return datagrams == 1; }));
  CHECK(server->datagram(peer.client_id(), "/d", {}, vsoa::channel::quick));
  endpoint from;
  REQUIRE(udp.receive_packet(patience, &from));
  CHECK(from == quick);
}

}  // namespace quick_port_test
