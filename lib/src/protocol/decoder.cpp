#include "protocol/decoder.hpp"

namespace vsoa::protocol {

decode_result decode_quick(std::span<const std::byte> datagram, packet_view& view) noexcept {
  if (datagram.size() < header_bytes) return {decode_state::error, 0, errc::truncated};
  if (datagram.front() != magic_byte) return {decode_state::error, 0, errc::bad_magic};
  const detail::lengths l(datagram.data());
  if (header_bytes + l.body() > datagram.size()) return {decode_state::error, 0, errc::truncated};
  if (header_bytes + l.body() > max_quick_packet_bytes) {
    return {decode_state::error, 0, errc::too_large};
  }
  detail::fill(view, datagram.data(), l);
  return {decode_state::packet, datagram.size(), {}};
}

}  // namespace vsoa::protocol
