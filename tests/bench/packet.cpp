#include "packet.hpp"

#include <stdexcept>

namespace bench {
namespace {

void store_u16(void* at, std::size_t value) {
  auto* bytes = static_cast<std::uint8_t*>(at);
  bytes[0] = static_cast<std::uint8_t>(value >> 8);
  bytes[1] = static_cast<std::uint8_t>(value);
}

}  // namespace

std::string build_packet(const packet_fields& fields) {
  const std::size_t body = fields.url.size() + fields.param.size() + fields.data.size();
  const std::size_t pad = (4 - (header_bytes + body) % 4) % 4;
  std::string out(header_bytes, '\0');
  out.reserve(header_bytes + body + pad);
  out[0] = static_cast<char>(magic_and_version);
  out[1] = static_cast<char>(fields.type);
  out[2] = static_cast<char>((fields.tunid != 0 ? flag_tunnel : 0U) | pad << pad_shift);
  store_u32(&out[4], fields.seqno);
  store_u16(&out[8], fields.tunid);
  store_u16(&out[10], fields.url.size());
  store_u32(&out[12], static_cast<std::uint32_t>(fields.param.size()));
  store_u32(&out[16], static_cast<std::uint32_t>(fields.data.size()));
  out.append(fields.url).append(fields.param).append(fields.data).append(pad, '\0');
  return out;
}

std::string build_payload(std::uint32_t index, std::size_t bytes) {
  if (bytes < index_bytes) throw std::invalid_argument("a payload needs 4 bytes or more");
  std::string out(bytes, '\0');
  store_u32(out.data(), index);
  for (std::size_t i = index_bytes; i < bytes; ++i)
    out[i] = static_cast<char>(pattern_at(i));
  return out;
}

}  // namespace bench
