// Bytes to packets, without memory of its own: the view points into the input. Never throws, never
// reads past the end, and rejects a packet by its header before its body has arrived. Source: the
// wire notes, lib/README.md, "Receiving".
#pragma once

#include <cstddef>
#include <span>

#include "vsoa/error.hpp"
#include "vsoa/packet.hpp"

namespace vsoa::protocol {

enum class decode_state {
  packet,     ///< `view` is filled, the packet takes `bytes`
  need_more,  ///< the input ends before the packet does; `bytes`: how many it needs at least, in
              ///< all
  error,      ///< `error` says why; nothing after it can be read
};

struct decode_result {
  decode_state state = decode_state::need_more;
  std::size_t bytes = header_bytes;
  errc error{};
};

/// Reads one packet at the beginning of a TCP stream's unread bytes.
/// @param limit  largest packet taken, pad included; at most max_packet_bytes
decode_result decode(std::span<const std::byte> input, packet_view& view,
                     std::size_t limit = max_packet_bytes) noexcept;

/// Reads the one packet of a datagram. Bytes behind it are ignored. Never answers need_more.
decode_result decode_quick(std::span<const std::byte> datagram, packet_view& view) noexcept;

}  // namespace vsoa::protocol
