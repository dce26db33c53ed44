// VSOA packets as the load side needs them: built once, sent many times, checked as they come.
// Written apart from libvsoa on purpose, so that a benchmark never measures its own subject.
#pragma once

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bench {

enum class packet_type : std::uint8_t {
  servinfo = 0x00,
  rpc = 0x01,
  subscribe = 0x02,
  publish = 0x04,
  datagram = 0x05,
};

inline constexpr std::size_t header_bytes = 20;
inline constexpr std::size_t max_packet_bytes = 262144;
inline constexpr std::uint8_t magic_and_version = 0x29;
inline constexpr unsigned pad_shift = 6;
inline constexpr std::uint8_t flag_reply = 0x01;
inline constexpr std::uint8_t flag_tunnel = 0x02;

struct packet_fields {
  packet_type type = packet_type::rpc;
  std::uint32_t seqno = 0;
  std::uint16_t tunid = 0;  ///< non-zero sets the TUNNEL flag
  std::string_view url;
  std::string_view param;
  std::string_view data;
};

/// Encodes one packet, padded with zeros to a multiple of four bytes.
std::string build_packet(const packet_fields& fields);

/// A benchmark payload: a big-endian index in the first 4 bytes, then a fixed pattern.
std::string build_payload(std::uint32_t index, std::size_t bytes);
inline constexpr std::size_t index_bytes = 4;
inline std::uint8_t pattern_at(std::size_t offset) {
  return static_cast<std::uint8_t>(offset * 31 + 7);
}

inline std::uint16_t load_u16(const std::uint8_t* at) {
  return static_cast<std::uint16_t>(at[0] << 8 | at[1]);
}
inline std::uint32_t load_u32(const std::uint8_t* at) {
  std::uint32_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return __builtin_bswap32(value);
}
inline void store_u32(void* at, std::uint32_t value) {
  value = __builtin_bswap32(value);
  std::memcpy(at, &value, sizeof value);
}

struct packet_header {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint8_t status = 0;
  std::uint32_t seqno = 0;
  std::uint32_t url_bytes = 0;
  std::uint32_t param_bytes = 0;
  std::uint32_t data_bytes = 0;
  std::uint32_t total_bytes = 0;  ///< with header and pad

  std::size_t data_offset() const { return header_bytes + url_bytes + param_bytes; }
};

/// Decodes 20 bytes. Throws std::runtime_error when they are not a VSOA header.
inline packet_header parse_header(const std::uint8_t* at) {
  if (at[0] != magic_and_version) throw std::runtime_error("not a VSOA packet");
  packet_header header;
  header.type = at[1];
  header.flags = at[2];
  header.status = at[3];
  header.seqno = load_u32(at + 4);
  header.url_bytes = load_u16(at + 10);
  header.param_bytes = load_u32(at + 12);
  header.data_bytes = load_u32(at + 16);
  const std::uint64_t total = std::uint64_t{header_bytes} + header.url_bytes + header.param_bytes +
                              header.data_bytes + (header.flags >> pad_shift);
  if (total > max_packet_bytes) throw std::runtime_error("longer than the protocol allows");
  header.total_bytes = static_cast<std::uint32_t>(total);
  return header;
}

}  // namespace bench
