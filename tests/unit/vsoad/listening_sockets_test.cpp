#include "vsoad/listening_sockets.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <ostream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "notify_socket.hpp"
#include "vsoa/position.hpp"
#include "vsoa/runtime.hpp"

namespace listening_sockets_test {

using vsoa::socket_address;
using vsoad::inherited_socket;
using vsoad::listening_sockets;
using vsoad::unique_fd;
using vsoad_test::notify_socket;

/// Where no other test binds or connects: a port that was free a moment ago may have been taken by
/// one.
constexpr const char* own_ip = "127.0.8.2";

socket_address loopback(std::uint16_t port) {
  return *socket_address::parse(own_ip + (":" + std::to_string(port)));
}

/// What a unit of systemd, or the process before us, has bound.
struct bound_before {
  bound_before() {
    const vsoa::bound_sockets both = vsoa::bind_sockets(loopback(0));
    tcp = unique_fd(both.tcp);
    udp = unique_fd(both.udp);
    vsoa::runtime loops;
    vsoa::server server(loops);
    address = server.listen(vsoa::bound_sockets{::dup(both.tcp), ::dup(both.udp)});
  }
  unique_fd tcp, udp;
  socket_address address;
  std::string stored_name() const {
    return "service/" + std::string(own_ip) + "_" + std::to_string(address.port);
  }
};

std::vector<inherited_socket> list(unique_fd first, const std::string& first_name,
                                   unique_fd second = {}, const std::string& second_name = {}) {
  std::vector<inherited_socket> all;
  all.push_back({std::move(first), first_name});
  if (second) all.push_back({std::move(second), second_name});
  return all;
}

bool is_same_file(int a, int b) {
  struct stat one {};
  struct stat other {};
  REQUIRE(::fstat(a, &one) == 0);
  REQUIRE(::fstat(b, &other) == 0);
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

struct log_lines {
  std::vector<std::string> lines;
  vsoa::log_sink sink() {
    return [this](vsoa::log_level level, std::string_view line) {
      lines.push_back((level == vsoa::log_level::warning ? "warning: " : "") + std::string(line));
    };
  }
  bool has(std::string_view part) const {
    for (const auto& line : lines)
      if (line.find(part) != std::string::npos) return true;
    return false;
  }
};

struct owned_pair {
  explicit owned_pair(const vsoa::bound_sockets& both) : tcp(both.tcp), udp(both.udp) {}
  unique_fd tcp, udp;
};

TEST_CASE("what is bound is left in systemd's store, a service's two sockets in one message") {
  notify_socket systemd;
  listening_sockets sockets({}, {});
  // A port that is free: that of sockets closed again.
  const socket_address address = bound_before().address;
  const owned_pair mine(sockets.for_service(address));
  CHECK(systemd.next() == "FDSTORE=1\nFDPOLL=0\nFDNAME=service/" + std::string(own_ip) + "_" +
                              std::to_string(address.port));
  REQUIRE(systemd.received().size() == 2);
  CHECK(is_same_file(systemd.received()[0], mine.udp.get()));
  CHECK(is_same_file(systemd.received()[1], mine.tcp.get()));

  // Who takes the service over gets the same sockets, and the store is not told again.
  const owned_pair again(sockets.for_service(address));
  CHECK(is_same_file(again.tcp.get(), mine.tcp.get()));
  CHECK(systemd.next().empty());
}

TEST_CASE("a position server has UDP alone") {
  notify_socket systemd;
  listening_sockets sockets({}, {});
  const socket_address address = bound_before().address;
  const unique_fd mine(sockets.for_position(address));
  CHECK(systemd.next() == "FDSTORE=1\nFDPOLL=0\nFDNAME=position/" + std::string(own_ip) + "_" +
                              std::to_string(address.port));
  REQUIRE(systemd.received().size() == 1);
  CHECK(is_same_file(systemd.received()[0], mine.get()));
  vsoa::runtime loops;
  vsoa::position_server server(loops, [](const auto&, auto) {});
  CHECK(server.listen(::dup(mine.get())) == address);
  const unique_fd v6(sockets.for_position(*socket_address::parse("[::1]:0")));
  CHECK(v6);
}

TEST_CASE("the kernel's choice of a port is not kept for another process") {
  notify_socket systemd;
  listening_sockets sockets({}, {});
  const owned_pair one(sockets.for_service(loopback(0)));
  const owned_pair other(sockets.for_service(loopback(0)));
  CHECK_FALSE(is_same_file(one.tcp.get(), other.tcp.get()));
  CHECK(systemd.next().empty());
}

TEST_CASE("what the process before us has left is used") {
  notify_socket systemd;
  bound_before before;
  const unique_fd tcp(::dup(before.tcp.get()));
  log_lines log;
  listening_sockets sockets(list(std::move(before.tcp), before.stored_name(), std::move(before.udp),
                                 before.stored_name()),
                            log.sink());
  const owned_pair mine(sockets.for_service(before.address));
  CHECK(is_same_file(mine.tcp.get(), tcp.get()));
  CHECK(log.has("kept over the restart"));
  sockets.close_unused();
  // It is in the store, and stays there.
  CHECK(systemd.next().empty());
}

TEST_CASE("a released address is taken out of the store, and is free") {
  notify_socket systemd;
  listening_sockets sockets({}, {});
  const socket_address address = bound_before().address;
  { const owned_pair mine(sockets.for_service(address)); }
  (void)systemd.next();
  CHECK_THROWS_AS((void)vsoa::bind_sockets(address), std::system_error);
  // The barrier ends when systemd has closed what came with it: play that.
  std::vector<std::string> said;
  std::thread plays([&] {
    for (int i = 0; i < 2; ++i)
      said.push_back(systemd.next(10000));
    (void)systemd.next();  // closes
  });
  sockets.release_position(address);  // another: nothing happens
  sockets.release_service(address);
  plays.join();
  REQUIRE(said.size() == 2);
  CHECK(said[0] == "FDSTOREREMOVE=1\nFDNAME=service/" + std::string(own_ip) + "_" +
                       std::to_string(address.port));
  CHECK(said[1] == "BARRIER=1");
  const owned_pair free(vsoa::bind_sockets(address));
}

TEST_CASE("what vsoad.socket has bound is used, and not stored once more") {
  notify_socket systemd;
  bound_before before;
  log_lines log;
  listening_sockets sockets(
      list(std::move(before.tcp), "vsoad.socket", std::move(before.udp), "vsoad.socket"),
      log.sink());
  const owned_pair mine(sockets.for_service(before.address));
  CHECK(log.has("systemd has bound"));
  CHECK_FALSE(log.has("warning: "));
  sockets.release_service(before.address);
  CHECK(systemd.next().empty());
  // systemd has it still: who comes there waits, until a reload serves it again.
  CHECK(log.has("warning: systemd listens on TCP " + before.address.to_string()));
  CHECK(log.has("warning: systemd listens on UDP " + before.address.to_string()));
  const owned_pair again(sockets.for_service(before.address));
  CHECK(is_same_file(again.tcp.get(), mine.tcp.get()));
  CHECK(is_same_file(again.udp.get(), mine.udp.get()));
}

TEST_CASE("vsoad.socket with one of the two sockets is an error with a remedy") {
  bound_before before;
  listening_sockets sockets(list(std::move(before.tcp), "vsoad.socket"), {});
  CHECK_THROWS_WITH_AS((void)sockets.for_service(before.address),
                       doctest::Contains("ListenDatagram="), std::runtime_error);
}

TEST_CASE("half of a service in the store is thrown away, and bound anew") {
  notify_socket systemd;
  bound_before before;
  before.udp = unique_fd();
  const std::string name = before.stored_name();
  listening_sockets sockets(list(std::move(before.tcp), name), {});
  std::thread plays([&] {
    CHECK(systemd.next(10000) == "FDSTOREREMOVE=1\nFDNAME=" + name);
    CHECK(systemd.next(10000) == "BARRIER=1");
    CHECK(systemd.next(10000).starts_with("FDSTORE=1"));
  });
  const owned_pair mine(sockets.for_service(before.address));
  plays.join();
  CHECK(mine.tcp);
}

TEST_CASE(
    "what nobody asks for is closed, and said; what systemd listens on is kept for a reload") {
  bound_before unit, stored;
  log_lines log;
  listening_sockets sockets(
      list(std::move(unit.tcp), "vsoad.socket", std::move(stored.udp), stored.stored_name()),
      log.sink());
  unit.udp = unique_fd();
  stored.tcp = unique_fd();
  sockets.close_unused();
  CHECK(log.has("warning: systemd listens on TCP " + unit.address.to_string()));
  CHECK(log.has("closed UDP " + stored.address.to_string()));
  const owned_pair other(vsoa::bind_sockets(stored.address));
  CHECK_THROWS_WITH_AS((void)sockets.for_service(unit.address), doctest::Contains("only TCP"),
                       std::runtime_error);
}

TEST_CASE("what is no socket of ours is closed, and said") {
  log_lines log;
  int ends[2] = {-1, -1};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const unique_fd kept(ends[1]);
  listening_sockets sockets(list(unique_fd(ends[0]), "pair"), log.sink());
  CHECK(log.has("warning: systemd has handed over \"pair\""));
  char byte = 0;
  CHECK(::read(kept.get(), &byte, 1) == 0);
}

TEST_CASE("at the end all is closed here, and systemd's store is left alone") {
  notify_socket systemd;
  listening_sockets sockets({}, {});
  const socket_address address = bound_before().address;
  { const owned_pair mine(sockets.for_service(address)); }
  CHECK(systemd.next().starts_with("FDSTORE=1"));
  const unique_fd in_store(::dup(systemd.received()[1]));
  const unique_fd udp_in_store(::dup(systemd.received()[0]));
  sockets.close();
  CHECK(systemd.next().empty());
  CHECK_THROWS_AS((void)vsoa::bind_sockets(address), std::system_error);
}

TEST_CASE("an address that is taken is named") {
  const bound_before other;
  listening_sockets sockets({}, {});
  CHECK_THROWS_WITH_AS((void)sockets.for_service(other.address),
                       doctest::Contains(other.address.to_string().c_str()), std::system_error);
  CHECK_THROWS_WITH_AS((void)sockets.for_position(other.address),
                       doctest::Contains(other.address.to_string().c_str()), std::system_error);
}

}  // namespace listening_sockets_test
