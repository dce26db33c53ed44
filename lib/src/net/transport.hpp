// A connected TCP socket's bytes in and out, for whoever waits for readiness: connections of
// packets and streams of bytes alike. The one place that knows whether they go through TLS.
//
// With TLS, handshake() comes first, called whenever the socket is ready for what wants_write()
// says, until it is done. After that read() and write() are as without.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "net/io_result.hpp"
#include "net/socket.hpp"

namespace vsoa::net {

class tls_context;
class tls_session;

class transport {
 public:
  using outcome = io_outcome;
  using result = io_result;

  /// What a buffer for read() must have at least, if there may be TLS.
  static constexpr std::size_t min_read_bytes = std::size_t{32} << 10U;

  /// @param socket  connected, non-blocking
  explicit transport(unique_fd socket) noexcept;
  /// With TLS, as server or client, as the context is; without if that is null.
  /// @param host  clients: the name of the server to send and to verify, if the context has none
  transport(unique_fd socket, std::shared_ptr<const tls_context> context,
            const std::string& host = {});
  transport(transport&&) noexcept;
  transport& operator=(transport&&) noexcept;
  ~transport();

  bool has_tls() const noexcept { return tls_ != nullptr; }
  /// Whether bytes may be read and written: at once without TLS, after the handshake with it.
  bool is_secured() const noexcept { return !handshaking_; }
  /// Whether the first step of the handshake is ours.
  bool speaks_first() const noexcept;
  /// Goes on with the handshake. Done: it is over. Blocked: wait until the socket is readable, and
  /// writable if wants_write(). Closed, failed: there will be none; failure() says why.
  result handshake() noexcept;
  /// Whether something of TLS's own waits for the socket to be writable; then handshake(), or
  /// write({}) after it, goes on.
  bool wants_write() const noexcept { return tls_ != nullptr && tls_wants_write(); }

  /// For the whole of it. @pre has_tls()
  std::chrono::milliseconds handshake_timeout() const noexcept;

  /// One read. @pre with TLS: into.size() >= min_read_bytes
  result read(std::span<std::byte> into) noexcept {
    if (tls_ != nullptr) [[unlikely]]
      return tls_read(into);
    return plain_read(into);
  }
  /// With TLS, once read() says closed: whether the other side has not said so itself. Whoever cuts
  /// the connection can do that, and what has come may not be all.
  bool is_cut() const noexcept { return tls_ != nullptr && tls_is_cut(); }
  /// Whether read() has more to say though the socket may not be readable: read again, now.
  bool has_pending() const noexcept { return tls_ != nullptr && tls_has_pending(); }
  /// One write, of several pieces; with TLS of as many records as the socket takes. What has not
  /// been moved must be at the front of the next write.
  result write(std::span<iovec> parts) noexcept {
    if (tls_ != nullptr) [[unlikely]]
      return tls_write(parts);
    return plain_write(parts);
  }
  /// One read of bytes that nobody wants, encrypted or not.
  result discard(std::span<std::byte> into) noexcept { return plain_read(into); }
  /// Nothing more will be written. If TLS can't say so now, the end of the bytes follows what it
  /// has to say: write({}) as long as wants_write().
  void shutdown_write() noexcept;
  /// @param reset  the other side shall see a reset
  void close(bool reset = false) noexcept;

  /// The other side's certificate, DER; empty: none. See tls_session.
  std::vector<std::byte> peer_certificate() const;
  /// Why TLS has failed: for people. Empty: it has not.
  std::string failure() const;

  int handle() const noexcept { return socket_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(socket_); }

 private:
  result plain_read(std::span<std::byte> into) noexcept;
  result plain_write(std::span<iovec> parts) noexcept;
  result tls_read(std::span<std::byte> into) noexcept;
  result tls_write(std::span<iovec> parts) noexcept;
  bool tls_has_pending() const noexcept;
  bool tls_wants_write() const noexcept;
  bool tls_is_cut() const noexcept;
  void shut() noexcept;

  unique_fd socket_;
  bool handshaking_ = false;
  bool must_shut_ = false;            // as soon as TLS has nothing to say any more
  std::unique_ptr<tls_session> tls_;  // before the socket is closed
};

}  // namespace vsoa::net
