// Sockets, epoll and clock: the little that the load side and the raw peers share.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace bench {

/// Throws std::system_error with errno and `what`.
[[noreturn]] void fail_errno(const std::string& what);

/// Nanoseconds of the monotonic clock.
std::int64_t now_ns();

/// Owns one file descriptor.
class unique_fd {
 public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  unique_fd(const unique_fd&) = delete;
  unique_fd& operator=(const unique_fd&) = delete;
  ~unique_fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

/// An IPv4 or IPv6 literal and a port.
struct address {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
};

/// Listens on a free port of 127.0.0.1; non-blocking. `port` receives it.
unique_fd listen_tcp(std::uint16_t& port);
/// Binds a UDP socket to a free port of 127.0.0.1; blocking. `port` receives it.
unique_fd bind_udp(std::uint16_t& port);
/// Connects within 5 s; blocking, TCP_NODELAY, sends and receives fail after 5 s.
unique_fd connect_tcp(const address& to);
/// Connects the load side's UDP socket; it gets a large receive buffer and the same time limits.
void connect_udp(int fd, const address& to);
void set_nonblocking(int fd);
void set_nodelay(int fd);
/// Sends what the socket takes. Nothing: the connection is over.
std::optional<std::size_t> send_some(int fd, std::string_view bytes);
/// Writes all of it to a blocking socket.
void write_all(int fd, std::string_view bytes);
/// Reads exactly that many bytes from a blocking socket.
void read_all(int fd, void* to, std::size_t bytes);

/// Level-triggered epoll whose events carry a pointer or a number.
class poller {
 public:
  poller();
  void add(int fd, std::uint32_t events, std::uint64_t tag);
  void modify(int fd, std::uint32_t events, std::uint64_t tag);
  void remove(int fd);
  /// @param timeout_ms  -1 waits for ever
  std::span<const epoll_event> wait(int timeout_ms);
  /// Waits until something is there, or a moment of the monotonic clock; the last 150 us of that
  /// are spun, so that the timer's own lateness is no part of what is measured.
  std::span<const epoll_event> wait_until(std::int64_t moment_ns);

 private:
  unique_fd fd_;
  std::array<epoll_event, 256> events_{};
};

}  // namespace bench
