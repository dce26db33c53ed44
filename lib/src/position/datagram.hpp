// Datagrams with their way back: received together with the address of ours to which they were
// sent, answered from there.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "net/socket.hpp"
#include "vsoa/address.hpp"

namespace vsoa::position {

struct datagram_route {
  socket_address peer;
  ip_address local;  ///< the address of ours to which the peer sends
};

struct received_datagram {
  std::string_view bytes;  ///< in the caller's buffer
  bool truncated = false;  ///< it was longer than the buffer
  datagram_route route;
};

/// A socket that hears nobody but this peer. Empty: the address can't be reached.
net::unique_fd connect_datagram_socket(const socket_address& peer) noexcept;

/// Reads from a socket of net::bind_socket(). Nothing: no datagram waits, or the socket has failed.
std::optional<received_datagram> receive_datagram(int fd, std::span<char> buffer) noexcept;
/// False: it could not be sent, as any datagram may be lost.
bool send_datagram(int fd, const datagram_route& route, std::string_view bytes) noexcept;

}  // namespace vsoa::position
