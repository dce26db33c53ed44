#include "protocol/decoder.hpp"

#include "protocol/wire.hpp"

namespace vsoa::protocol {
namespace {

struct lengths {
  std::size_t url;
  std::size_t param;
  std::size_t data;
  std::size_t pad;

  // 64-bit: the fields' sum may not fit 32.
  std::uint64_t body() const noexcept { return std::uint64_t{url} + param + data; }
};

lengths read_lengths(const std::byte* header) noexcept {
  return {load<std::uint16_t>(header + offset::url_length),
          load<std::uint32_t>(header + offset::param_length),
          load<std::uint32_t>(header + offset::data_length),
          std::to_integer<std::size_t>(header[offset::flags]) >> pad_shift};
}

void fill(packet_view& view, const std::byte* packet, const lengths& l) noexcept {
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

}  // namespace

decode_result decode(std::span<const std::byte> input, packet_view& view,
                     std::size_t limit) noexcept {
  if (input.empty()) return {decode_state::need_more, header_bytes, {}};
  if (input.front() != magic_byte) return {decode_state::error, 0, errc::bad_magic};
  if (input.size() < header_bytes) return {decode_state::need_more, header_bytes, {}};
  const lengths l = read_lengths(input.data());
  const std::uint64_t total = header_bytes + l.body() + l.pad;
  if (total > limit) return {decode_state::error, 0, errc::too_large};
  if (total > input.size()) return {decode_state::need_more, static_cast<std::size_t>(total), {}};
  fill(view, input.data(), l);
  return {decode_state::packet, static_cast<std::size_t>(total), {}};
}

decode_result decode_quick(std::span<const std::byte> datagram, packet_view& view) noexcept {
  if (datagram.size() < header_bytes) return {decode_state::error, 0, errc::truncated};
  if (datagram.front() != magic_byte) return {decode_state::error, 0, errc::bad_magic};
  const lengths l = read_lengths(datagram.data());
  if (header_bytes + l.body() > datagram.size()) return {decode_state::error, 0, errc::truncated};
  if (header_bytes + l.body() > max_quick_packet_bytes) {
    return {decode_state::error, 0, errc::too_large};
  }
  fill(view, datagram.data(), l);
  return {decode_state::packet, datagram.size(), {}};
}

}  // namespace vsoa::protocol
