// Sockets: addresses to and from the kernel's form, and the options that VSOA wants.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "vsoa/address.hpp"

namespace vsoa::net {

/// A kernel socket address.
struct raw_address {
  sockaddr_storage storage{};
  socklen_t length = sizeof(sockaddr_storage);

  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
};

raw_address to_raw(const socket_address& address) noexcept;
/// An IPv4-mapped IPv6 address comes out as IPv4.
socket_address from_raw(const raw_address& raw) noexcept;

socket_address local_address(int fd) noexcept;
socket_address peer_address(int fd) noexcept;

/// A file descriptor that closes itself.
class unique_fd {
 public:
  unique_fd() noexcept = default;
  explicit unique_fd(int fd) noexcept : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
  unique_fd& operator=(unique_fd&& other) noexcept;
  ~unique_fd();

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int release() noexcept;

 private:
  int fd_ = -1;
};

/// A bound, non-blocking, close-on-exec socket; IPv6 sockets take IPv6 only.
/// Throws std::system_error naming the address.
/// @param kind  SOCK_STREAM (listening, SO_REUSEADDR) or SOCK_DGRAM (tells the local address of
/// each
///              datagram: IP_PKTINFO)
/// @param backlog_count  of SOCK_STREAM: connections that may wait to be accepted
unique_fd bind_socket(const socket_address& address, int kind, int backlog_count = 1024);

/// Makes a socket that others have bound like those of bind_socket(). Throws std::system_error if
/// it is not one of that kind.
void prepare_bound(int fd, int kind);

/// A non-blocking socket that is connecting, or connected already: writable once it is either or
/// has failed, see pending_error(). Throws std::system_error naming the address.
/// @param from  the local address; nothing: the kernel's choice
unique_fd begin_connect(const socket_address& to, const std::optional<ip_address>& from = {});
/// The error that a socket has met and not yet told, as in errno; 0: none.
int pending_error(int fd) noexcept;

/// Priority 0..7 as the IP type of service; failures are ignored. Source: the wire notes,
/// "Priority".
void set_type_of_service(int fd, bool v6, std::uint8_t priority) noexcept;
/// TCP keepalive: first probe after `idle`, dead after about three times that. 0: off. The kernel
/// does so where all is answered and nothing more is said; else see is_unanswered().
void set_keepalive(int fd, std::chrono::seconds idle) noexcept;
/// Whether what was sent has had no answer for so long that keepalive would call the other side
/// dead, to be asked every `idle`: the kernel itself would try for a quarter of an hour. A reader
/// that stands still does answer, and TCP_USER_TIMEOUT would end it all the same.
bool is_unanswered(int fd, std::chrono::seconds idle) noexcept;
void set_no_delay(int fd) noexcept;
/// Makes the close() of the last descriptor reset the connection, or not.
void set_reset_on_close(int fd, bool reset = true) noexcept;

/// The local address of ours that a received datagram came to, or that one shall leave from.
class packet_info {
 public:
  /// Room for one control message of either family.
  alignas(cmsghdr) std::byte space[64]{};

  void prepare_receive(msghdr& header) noexcept;
  static std::optional<ip_address> received(const msghdr& header) noexcept;
  void prepare_send(msghdr& header, const ip_address& from) noexcept;
};

}  // namespace vsoa::net
