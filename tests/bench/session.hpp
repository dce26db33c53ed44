// The load side's connection to a server: handshake and subscription, blocking.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "packet.hpp"
#include "sockets.hpp"

namespace bench {

struct session {
  unique_fd tcp;
  std::uint32_t client_id = 0;
  std::uint16_t quick_port = 0;  ///< the server's
};

/// The handshake request. @param local_quick_port  zero: no quick channel
std::string handshake_packet(std::uint16_t local_quick_port = 0);

std::string subscribe_packet(std::string_view url);
/// The header of an answer. Throws when it is of another type, or not a success.
packet_header expect(const std::string& packet, packet_type type);

/// Connects and shakes hands. A raw peer's echo of the request counts as an answer.
session open_session(const address& server, std::uint16_t local_quick_port = 0);

/// Subscribes and waits for the answer. Throws when it is not a success.
void subscribe(const session& on, std::string_view url);

/// Reads one packet from a blocking socket.
std::string read_packet(int fd);

/// Reads what is there, at most `bytes`; throws when the server has closed.
/// @return 0 when nothing is there
std::size_t read_some(int fd, std::uint8_t* to, std::size_t bytes);

}  // namespace bench
