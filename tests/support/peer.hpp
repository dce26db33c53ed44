// Scripted peers: raw TCP and UDP sockets that send exactly the bytes they are told to, and read
// with a deadline. Whatever does not happen in time throws, which fails the test.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "wait.hpp"
#include "wire.hpp"

namespace vsoa_test {

/// A literal IP address and a port.
struct endpoint {
  std::string ip = "127.0.0.1";
  std::uint16_t port = 0;

  bool operator==(const endpoint&) const = default;
};

/// Owns a file descriptor.
class unique_fd {
 public:
  unique_fd() noexcept = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~unique_fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

/// How a connection ended, as the peer saw it.
enum class ending { none, closed, reset };

struct tcp_options {
  std::string local_ip;    ///< to connect from; empty: any
  int receive_buffer = 0;  ///< SO_RCVBUF, to fill up early; 0: the kernel's choice
};

/// A TCP connection to a VSOA server.
class tcp_peer {
 public:
  explicit tcp_peer(const endpoint& server, const tcp_options& options = {});

  /// All bytes, or an exception when the server takes none for `patience` or has closed.
  void send(std::string_view bytes);
  void send(const packet& p) { send(p.bytes()); }
  /// As many of the bytes as the kernel takes now, without waiting. 0 also when the server has
  /// closed.
  std::size_t send_some(std::string_view bytes);

  /// The next packet; throws when none comes in time or the connection ends first.
  packet read(milliseconds bound = patience);
  /// The next packet, or nothing when none came in time or the connection ended.
  std::optional<packet> try_read(milliseconds bound);
  /// Sends a request and returns the next packet.
  packet ask(const packet& request, milliseconds bound = patience);
  /// The reply to `request`: skips publishes, datagrams and QOSSETUP that come in between.
  packet ask_for_reply(const packet& request, milliseconds bound = patience);

  /// Throws away what arrives until the connection ends.
  ending wait_end(milliseconds bound = patience);
  /// Whether the connection is still open and nothing arrives for `bound`.
  bool silent(milliseconds bound = quiet);

  /// Shakes hands and returns the reply. Fails the test when refused.
  /// @param quick_port  local UDP port to announce; 0: none
  packet handshake(const std::string& password = {}, std::uint16_t quick_port = 0);
  /// From the handshake's reply.
  std::uint32_t client_id() const noexcept { return client_id_; }

  void shutdown_write();
  void close() { fd_.reset(); }
  /// Closes so that the server sees a reset, not an end of stream.
  void reset_connection();

  endpoint local() const;
  int fd() const noexcept { return fd_.get(); }

 private:
  std::optional<packet> buffered();
  /// Reads once. False at the deadline or at the end of the connection.
  bool fill(const deadline& until);

  unique_fd fd_;
  std::string buffer_;
  ending ending_ = ending::none;
  std::uint32_t client_id_ = 0;
};

/// A UDP socket bound to a port of its own.
class udp_peer {
 public:
  explicit udp_peer(const std::string& local_ip = "127.0.0.1");

  void send_to(const endpoint& to, std::string_view bytes);
  void send_to(const endpoint& to, const packet& p) { send_to(to, p.bytes()); }

  /// One datagram and where it came from; nothing when none came in time.
  std::optional<std::string> receive(milliseconds bound = patience, endpoint* from = nullptr);
  /// The same, as a packet; throws when it is not exactly one.
  std::optional<packet> receive_packet(milliseconds bound = patience, endpoint* from = nullptr);

  std::uint16_t port() const;

 private:
  unique_fd fd_;
};

}  // namespace vsoa_test
