#include "sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <system_error>

namespace bench {
namespace {

constexpr int listen_backlog = 1024;
constexpr int socket_timeout_s = 5;
constexpr std::int64_t spin_ns = 150'000;
constexpr std::int64_t ns_per_s = 1'000'000'000;
// For datagrams the kernel's default holds some 270 small ones; the load side must not be the
// one that drops, so it asks for as much as the kernel allows.
constexpr int udp_receive_buffer_bytes = 4 << 20;

struct socket_address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

socket_address to_socket_address(const address& from) {
  socket_address out;
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(from.port);
  if (inet_pton(AF_INET, from.host.c_str(), &v4.sin_addr) == 1) {
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.length = sizeof v4;
    return out;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(from.port);
  if (inet_pton(AF_INET6, from.host.c_str(), &v6.sin6_addr) != 1)
    throw std::runtime_error("not an IP address: " + from.host);
  std::memcpy(&out.storage, &v6, sizeof v6);
  out.length = sizeof v6;
  return out;
}

unique_fd open_socket(int family, int type) {
  unique_fd fd(::socket(family, type | SOCK_CLOEXEC, 0));
  if (!fd) fail_errno("socket");
  return fd;
}

std::uint16_t bound_port(int fd) {
  socket_address at;
  at.length = sizeof at.storage;
  if (::getsockname(fd, at.get(), &at.length) != 0) fail_errno("getsockname");
  if (at.family() == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &at.storage, sizeof v6);
    return ntohs(v6.sin6_port);
  }
  sockaddr_in v4{};
  std::memcpy(&v4, &at.storage, sizeof v4);
  return ntohs(v4.sin_port);
}

void bind_to(int fd, const address& at) {
  const socket_address local = to_socket_address(at);
  if (::bind(fd, local.get(), local.length) != 0) fail_errno("bind");
}

void set_timeouts(int fd) {
  timeval limit{};
  limit.tv_sec = socket_timeout_s;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

}  // namespace

void fail_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::int64_t now_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

void unique_fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

unique_fd listen_tcp(std::uint16_t& port) {
  unique_fd fd = open_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK);
  bind_to(fd.get(), {});
  if (::listen(fd.get(), listen_backlog) != 0) fail_errno("listen");
  port = bound_port(fd.get());
  return fd;
}

unique_fd bind_udp(std::uint16_t& port) {
  unique_fd fd = open_socket(AF_INET, SOCK_DGRAM);
  bind_to(fd.get(), {});
  port = bound_port(fd.get());
  return fd;
}

unique_fd connect_tcp(const address& to) {
  const socket_address remote = to_socket_address(to);
  unique_fd fd = open_socket(remote.family(), SOCK_STREAM);
  set_timeouts(fd.get());
  set_nodelay(fd.get());
  if (::connect(fd.get(), remote.get(), remote.length) != 0)
    fail_errno("connect to " + to.host + ':' + std::to_string(to.port));
  return fd;
}

void connect_udp(int fd, const address& to) {
  const socket_address remote = to_socket_address(to);
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &udp_receive_buffer_bytes,
               sizeof udp_receive_buffer_bytes);
  set_timeouts(fd);
  if (::connect(fd, remote.get(), remote.length) != 0) fail_errno("connect UDP");
}

void set_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) fail_errno("fcntl");
}

void set_nodelay(int fd) {
  const int on = 1;
  if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) fail_errno("TCP_NODELAY");
}

std::optional<std::size_t> send_some(int fd, std::string_view bytes) {
  const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EAGAIN || errno == EINTR) return 0;
  return {};
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) fail_errno("send");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

void read_all(int fd, void* to, std::size_t bytes) {
  auto* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = ::recv(fd, at, bytes, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_errno("recv");
    if (got == 0) throw std::runtime_error("the server closed the connection");
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
}

poller::poller() : fd_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!fd_) fail_errno("epoll_create1");
}

void poller::add(int fd, std::uint32_t events, std::uint64_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  if (::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) != 0) fail_errno("epoll_ctl add");
}

void poller::modify(int fd, std::uint32_t events, std::uint64_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  if (::epoll_ctl(fd_.get(), EPOLL_CTL_MOD, fd, &event) != 0) fail_errno("epoll_ctl modify");
}

void poller::remove(int fd) {
  ::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

std::span<const epoll_event> poller::wait(int timeout_ms) {
  const int count =
      ::epoll_wait(fd_.get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
  if (count < 0 && errno != EINTR) fail_errno("epoll_wait");
  return {events_.data(), count < 0 ? 0U : static_cast<std::size_t>(count)};
}

std::span<const epoll_event> poller::wait_until(std::int64_t moment_ns) {
  for (;;) {
    const std::int64_t left = moment_ns - now_ns();
    timespec timeout{};
    if (left > spin_ns) {
      timeout.tv_sec = (left - spin_ns) / ns_per_s;
      timeout.tv_nsec = (left - spin_ns) % ns_per_s;
    }
    pollfd waited{fd_.get(), POLLIN, 0};
    if (::ppoll(&waited, 1, &timeout, nullptr) > 0) return wait(0);
    if (left <= 0) return {};
  }
}

}  // namespace bench
