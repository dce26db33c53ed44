// Packets to bytes. Source: the wire notes, lib/README.md, "Packet format".
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <span>

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

/// The same bytes where they lie: a header, and the parts of `p`.
class packet_parts {
 public:
  static constexpr std::size_t count = 5;

  /// @pre fits(p, channel::normal). What `p` refers to outlives this object.
  explicit packet_parts(const packet_view& p) noexcept;
  std::span<iovec, count> parts() noexcept { return parts_; }

 private:
  std::array<std::byte, header_bytes> header_;
  std::array<iovec, count> parts_;
};

}  // namespace vsoa::protocol
