// The client's side of SERVINFO. No I/O. Source: the wire notes, lib/README.md, "Handshake".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vsoa/error.hpp"
#include "vsoa/packet.hpp"

namespace vsoa::protocol {

/// The param of a SERVINFO. Empty without a password.
std::string write_servinfo_param(std::string_view password);

/// What an answer to SERVINFO says.
struct handshake_answer {
  std::string_view info;                    ///< JSON text, or empty
  std::optional<std::uint32_t> client_id;   ///< needed for the quick channel
  std::optional<std::uint16_t> quick_port;  ///< where it is not the port of TCP
};

enum class handshake_step {
  wait,    ///< the packet is no answer to the handshake, and may come at this time
  done,    ///< connected: `answer` is filled
  failed,  ///< `error` says why
};

/// Looks at a packet that came while the answer to SERVINFO is awaited. Its sequence number does
/// not count: there is but one handshake.
handshake_step read_handshake(const packet_view& p, handshake_answer& answer,
                              connect_errc& error) noexcept;

}  // namespace vsoa::protocol
