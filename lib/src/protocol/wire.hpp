// The fixed 20-byte header, field by field. Source: the wire notes, lib/README.md, "Packet format".
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace vsoa::protocol {

inline constexpr std::byte magic_byte{0x29};  // low nibble: magic 9; high nibble: version 2
inline constexpr std::uint8_t flag_bits = 0x07;
inline constexpr unsigned pad_shift = 6;

namespace offset {
inline constexpr std::size_t magic = 0;
inline constexpr std::size_t type = 1;
inline constexpr std::size_t flags = 2;
inline constexpr std::size_t status = 3;
inline constexpr std::size_t seqno = 4;
inline constexpr std::size_t tunid = 8;
inline constexpr std::size_t url_length = 10;
inline constexpr std::size_t param_length = 12;
inline constexpr std::size_t data_length = 16;
}  // namespace offset

constexpr std::uint16_t big_endian(std::uint16_t v) noexcept {
  return std::endian::native == std::endian::big ? v : __builtin_bswap16(v);
}

constexpr std::uint32_t big_endian(std::uint32_t v) noexcept {
  return std::endian::native == std::endian::big ? v : __builtin_bswap32(v);
}

template <class Integer>
[[gnu::always_inline]] inline Integer load(const std::byte* p) noexcept {
  Integer v;
  std::memcpy(&v, p, sizeof v);
  return big_endian(v);
}

template <class Integer>
[[gnu::always_inline]] inline void store(std::byte* p, Integer v) noexcept {
  v = big_endian(v);
  std::memcpy(p, &v, sizeof v);
}

}  // namespace vsoa::protocol
