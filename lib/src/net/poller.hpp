// Readiness of a loop's sockets, by epoll. A socket is entered once and reported for as long as it
// is ready (level-triggered): reading from it costs no system call besides the read itself.
// Everything on the loop's thread.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "net/socket.hpp"

namespace vsoa::net {

/// What is told of its socket's readiness.
class pollable {
 public:
  /// @param events  of EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~pollable() = default;
};

class poller {
 public:
  poller();  ///< throws std::system_error
  poller(const poller&) = delete;
  poller& operator=(const poller&) = delete;

  /// Asks for events of a socket. EPOLLHUP and EPOLLERR are always told. Throws std::system_error.
  /// @param events  may hold EPOLLET
  void add(int fd, pollable& who, std::uint32_t events);
  /// Asks for others from now on.
  void change(int fd, pollable& who, std::uint32_t events) noexcept;
  /// Before the socket is closed: `who` hears nothing more, nor is it touched.
  void remove(int fd, const pollable& who) noexcept;

  /// Tells those who are ready, at most a batch of them; who is left is told by the next call, also
  /// if on_ready() throws.
  /// @param timeout  for somebody to be ready, in milliseconds; -1: for ever
  /// @return whether anybody was
  bool poll(int timeout);
  /// Within on_ready(): whether nobody else was ready, so that nothing else waits for this thread.
  bool is_only_one() const noexcept { return count_ == 1; }

 private:
  static constexpr std::size_t batch_size = 256;

  unique_fd epoll_;
  std::array<epoll_event, batch_size> ready_;
  std::size_t next_ = 0;   // of ready_, to be told
  std::size_t count_ = 0;  // of ready_, that are valid
};

}  // namespace vsoa::net
