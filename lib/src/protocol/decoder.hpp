// Bytes to packets, without memory of its own: the view points into the input. Never throws, never
// reads past the end, and rejects a packet by its header before its body has arrived. Source: the
// wire notes, lib/README.md, "Receiving".
//
// In the header what every packet passes, as in encoder.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/wire.hpp"
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

namespace detail {

struct lengths {
  explicit lengths(const std::byte* header) noexcept
      : url(load<std::uint16_t>(header + offset::url_length)),
        param(load<std::uint32_t>(header + offset::param_length)),
        data(load<std::uint32_t>(header + offset::data_length)),
        pad(std::to_integer<std::size_t>(header[offset::flags]) >> pad_shift) {}

  // 64-bit: the fields' sum may not fit 32.
  std::uint64_t body() const noexcept { return std::uint64_t{url} + param + data; }

  std::size_t url;
  std::size_t param;
  std::size_t data;
  std::size_t pad;
};

inline void fill(packet_view& view, const std::byte* packet, const lengths& l) noexcept {
  view.type = static_cast<packet_type>(packet[offset::type]);
  view.flags = std::to_integer<std::uint8_t>(packet[offset::flags]) & flag_bits;
  view.status = std::to_integer<std::uint8_t>(packet[offset::status]);
  view.seqno = load<std::uint32_t>(packet + offset::seqno);
  view.tunid = load<std::uint16_t>(packet + offset::tunid);
  const std::byte* part = packet + header_bytes;
  view.url = {reinterpret_cast<const char*>(part), l.url};
  part += l.url;
  view.payload.param = {reinterpret_cast<const char*>(part), l.param};
  part += l.param;
  view.payload.data = {part, l.data};
}

}  // namespace detail

/// Reads one packet at the beginning of a TCP stream's unread bytes.
/// @param limit  largest packet taken, pad included; at most max_packet_bytes
inline decode_result decode(std::span<const std::byte> input, packet_view& view,
                            std::size_t limit = max_packet_bytes) noexcept {
  if (input.empty()) return {decode_state::need_more, header_bytes, {}};
  if (input.front() != magic_byte) return {decode_state::error, 0, errc::bad_magic};
  if (input.size() < header_bytes) return {decode_state::need_more, header_bytes, {}};
  const detail::lengths l(input.data());
  const std::uint64_t total = header_bytes + l.body() + l.pad;
  if (total > limit) return {decode_state::error, 0, errc::too_large};
  if (total > input.size()) return {decode_state::need_more, static_cast<std::size_t>(total), {}};
  detail::fill(view, input.data(), l);
  return {decode_state::packet, static_cast<std::size_t>(total), {}};
}

/// Reads the one packet of a datagram. Bytes behind it are ignored. Never answers need_more.
decode_result decode_quick(std::span<const std::byte> datagram, packet_view& view) noexcept;

}  // namespace vsoa::protocol
