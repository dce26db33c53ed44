// Packets to bytes. Source: the wire notes, lib/README.md, "Packet format".
//
// In the header what every packet passes: so little work that a call would be a good part of it.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "protocol/wire.hpp"
#include "vsoa/packet.hpp"

namespace vsoa::protocol {

/// What a header says, but for the lengths of the packet's parts.
struct packet_head {
  packet_type type{};
  std::uint8_t flags = 0;
  std::uint8_t status = 0;
  std::uint32_t seqno = 0;
  std::uint16_t tunid = 0;
};

/// Of an answer to an RPC.
/// @param tunid  0: none
inline packet_head rpc_answer(std::uint32_t seqno, status s, std::uint16_t tunid) noexcept {
  const unsigned flags = packet_flags::reply | (tunid != 0 ? packet_flags::tunnel : 0U);
  return {packet_type::rpc, static_cast<std::uint8_t>(flags), static_cast<std::uint8_t>(s), seqno,
          tunid};
}

inline packet_head head_of(const packet_view& p) noexcept {
  return {p.type, p.flags, p.status, p.seqno, p.tunid};
}

namespace detail {

inline std::size_t unpadded_bytes(std::string_view url, const payload_view& payload) noexcept {
  return header_bytes + url.size() + payload.param.size() + payload.data.size();
}

inline std::size_t pad_for(std::size_t unpadded) noexcept {
  return -unpadded % 4;
}

inline std::byte* append(std::byte* out, const void* bytes, std::size_t count) noexcept {
  if (count != 0) std::memcpy(out, bytes, count);
  return out + count;
}

[[gnu::always_inline]] inline void encode_header(packet_head head, std::string_view url,
                                                 const payload_view& payload, std::size_t pad,
                                                 std::byte* out) noexcept {
  out[offset::magic] = magic_byte;
  out[offset::type] = static_cast<std::byte>(head.type);
  out[offset::flags] = static_cast<std::byte>((head.flags & flag_bits) | (pad << pad_shift));
  out[offset::status] = static_cast<std::byte>(head.status);
  store(out + offset::seqno, head.seqno);
  store(out + offset::tunid, head.tunid);
  store(out + offset::url_length, static_cast<std::uint16_t>(url.size()));
  store(out + offset::param_length, static_cast<std::uint32_t>(payload.param.size()));
  store(out + offset::data_length, static_cast<std::uint32_t>(payload.data.size()));
}

}  // namespace detail

/// Bytes that a packet takes on the wire, pad included, always a multiple of 4. No limit is
/// applied.
inline std::size_t encoded_bytes(std::string_view url, const payload_view& payload) noexcept {
  const std::size_t unpadded = detail::unpadded_bytes(url, payload);
  return unpadded + detail::pad_for(unpadded);
}
inline std::size_t encoded_bytes(const packet_view& p) noexcept {
  return encoded_bytes(p.url, p.payload);
}

/// Whether the packet is within the limits of its channel: total size and URL length.
inline bool fits(std::string_view url, const payload_view& payload, channel via) noexcept {
  const std::size_t limit = via == channel::normal ? max_packet_bytes : max_quick_send_bytes;
  return url.size() <= max_url_bytes && payload.param.size() <= limit &&
         payload.data.size() <= limit && encoded_bytes(url, payload) <= limit;
}
inline bool fits(const packet_view& p, channel via) noexcept {
  return fits(p.url, p.payload, via);
}

/// Writes the packet, pad bytes zeroed, to `out`, which has room for encoded_bytes().
/// @pre fits(..., channel::normal). The parts don't overlap `out`.
[[gnu::always_inline]] inline void encode(packet_head head, std::string_view url,
                                          const payload_view& payload, std::byte* out) noexcept {
  const std::size_t unpadded = detail::unpadded_bytes(url, payload);
  const std::size_t pad = detail::pad_for(unpadded);
  // First the pad, in a word of which what follows takes back what is not pad.
  store(out + unpadded + pad - sizeof(std::uint32_t), std::uint32_t{0});
  detail::encode_header(head, url, payload, pad, out);
  out = detail::append(out + header_bytes, url.data(), url.size());
  out = detail::append(out, payload.param.data(), payload.param.size());
  detail::append(out, payload.data.data(), payload.data.size());
}
inline void encode(const packet_view& p, std::byte* out) noexcept {
  encode(head_of(p), p.url, p.payload, out);
}

/// The same bytes where they lie: a header, and the packet's parts.
class packet_parts {
 public:
  static constexpr std::size_t count = 5;

  /// @pre fits(..., channel::normal). The parts outlive this object.
  packet_parts(packet_head head, std::string_view url, const payload_view& payload) noexcept;
  std::span<iovec, count> parts() noexcept { return parts_; }

 private:
  std::array<std::byte, header_bytes> header_;
  std::array<iovec, count> parts_;
};

}  // namespace vsoa::protocol
