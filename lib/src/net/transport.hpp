// A connected TCP socket's bytes in and out, for whoever waits for readiness: connections of
// packets and streams of bytes alike. The one place that knows whether they go through TLS.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "net/socket.hpp"

namespace vsoa::net {

class transport {
 public:
  enum class outcome : std::uint8_t {
    done,     ///< `bytes` have been moved, perhaps fewer than wanted
    blocked,  ///< none now: wait for readiness
    closed,   ///< the other side sends no more
    failed,   ///< the connection is broken
  };
  struct result {
    outcome what;
    std::size_t bytes = 0;
  };

  /// @param socket  connected, non-blocking
  explicit transport(unique_fd socket) noexcept : socket_(std::move(socket)) {}

  /// One read.
  result read(std::span<std::byte> into) noexcept;
  /// One write, of several pieces.
  result write(std::span<iovec> parts) noexcept;
  /// Nothing more will be written.
  void shutdown_write() noexcept { ::shutdown(handle(), SHUT_WR); }
  void close() noexcept { socket_ = {}; }

  int handle() const noexcept { return socket_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(socket_); }

 private:
  unique_fd socket_;
};

}  // namespace vsoa::net
