// Packets to bytes. Source: the wire notes, lib/README.md, "Packet format".
#pragma once

#include <cstddef>

#include "vsoa/packet.hpp"

namespace vsoa::protocol {

/// Bytes that a packet takes on the wire, pad included, always a multiple of 4. No limit is
/// applied.
std::size_t encoded_bytes(const packet_view& p) noexcept;

/// Whether the packet is within the limits of its channel: total size and URL length.
bool fits(const packet_view& p, channel via) noexcept;

/// Writes the packet, pad bytes zeroed, to `out`, which has room for encoded_bytes(p).
/// @pre fits(p, channel::normal). The parts of `p` don't overlap `out`.
void encode(const packet_view& p, std::byte* out) noexcept;

}  // namespace vsoa::protocol
