// One TLS session over a connected, non-blocking socket. It knows its socket's bytes alone, and
// waits for nothing: whoever holds it does.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "net/io_result.hpp"
#include "net/tls_context.hpp"

namespace vsoa::net {

class tls_session {
 public:
  /// A buffer for read() has at least this much.
  static constexpr std::size_t min_read_bytes = std::size_t{32} << 10U;

  /// @param socket  stays open for as long as this lives
  tls_session(std::shared_ptr<const tls_context> context, int socket, const std::string& host);
  ~tls_session();
  tls_session(const tls_session&) = delete;
  tls_session& operator=(const tls_session&) = delete;

  const tls_context& context() const noexcept { return *context_; }

  /// Goes on with the handshake. Never reads beyond it.
  io_result handshake() noexcept;
  bool is_secured() const noexcept { return secured_; }

  // Once secured:
  /// One read of the socket; all that it completes is in `into` afterwards, whose end serves as
  /// room for what is still encrypted. @pre into.size() >= min_read_bytes
  io_result read(std::span<std::byte> into) noexcept;
  /// Writes records until all is written or the socket is full. As long as the kernel has not taken
  /// the whole of the last record, at least its last byte does not count as moved: what is left
  /// must be at the front of the next write, as ever.
  io_result write(std::span<const iovec> parts) noexcept;
  /// Tells the other side that nothing follows.
  void say_goodbye() noexcept;

  /// Whether read() has something to say without the socket being readable.
  bool has_pending() const noexcept { return end_.has_value(); }
  /// Whether bytes wait that no write() is waiting for: write({}) when the socket is writable.
  bool wants_write() const noexcept { return !broken_ && !unsent_.empty(); }

  /// Whether the other side's bytes have ended without its saying so: something may be missing.
  bool is_cut() const noexcept { return is_cut_; }

  /// The other side's certificate once secured: DER; empty: it has shown none. Any thread, if what
  /// tells it that this is secured is synchronised.
  std::vector<std::byte> peer_certificate() const;
  /// Why the last operation has failed: for people.
  const std::string& failure() const noexcept { return failure_; }

 private:
  friend struct tls_bio;

  io_result drain_input(std::span<std::byte> into) noexcept;
  bool flush() noexcept;
  std::size_t settle_owed() noexcept;
  io_result fail(int result) noexcept;

  std::shared_ptr<const tls_context> context_;
  ssl_ptr ssl_;
  const int socket_;
  bool secured_ = false;
  bool broken_ = false;               // the socket has refused a write
  std::span<const std::byte> input_;  // encrypted, received and not yet taken by OpenSSL
  std::optional<io_outcome> end_;     // found behind the last good bytes
  std::vector<std::byte> unsent_;     // encrypted, not taken by the kernel
  std::size_t owed_ = 0;              // plain bytes in there, not yet said to be moved
  x509_ptr peer_;
  bool said_goodbye_ = false;
  bool is_cut_ = false;
  std::string failure_;
};

}  // namespace vsoa::net
