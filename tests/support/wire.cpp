#include "wire.hpp"

#include <stdexcept>

namespace vsoa_test {

namespace {

void put(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    out.push_back(static_cast<char>((value >> shift) & 0xFF));
}

std::uint64_t get(std::string_view in, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (const char c : in.substr(at, bytes))
    value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

std::string wire_header::bytes() const {
  std::string out;
  put(out, magic, 1);
  put(out, type, 1);
  put(out, flags, 1);
  put(out, status, 1);
  put(out, seqno, 4);
  put(out, tunid, 2);
  put(out, url_length, 2);
  put(out, param_length, 4);
  put(out, data_length, 4);
  return out;
}

std::string packet::bytes() const {
  const std::size_t pad = (4 - (header_bytes + url.size() + param.size() + data.size()) % 4) % 4;
  const wire_header header{.type = type,
                           .flags = static_cast<std::uint8_t>(flags | pad << 6),
                           .status = status,
                           .seqno = seqno,
                           .tunid = tunid,
                           .url_length = static_cast<std::uint16_t>(url.size()),
                           .param_length = static_cast<std::uint32_t>(param.size()),
                           .data_length = static_cast<std::uint32_t>(data.size())};
  return header.bytes() + url + param + data + std::string(pad, '\0');
}

std::optional<packet> parse_packet(std::string_view bytes, std::size_t& used) {
  if (!bytes.empty() && bytes[0] != 0x29) throw std::runtime_error("packet: wrong magic byte");
  if (bytes.size() < header_bytes) return {};
  const auto lu = get(bytes, 10, 2);
  const auto lp = get(bytes, 12, 4);
  const auto ld = get(bytes, 16, 4);
  const auto pad = get(bytes, 2, 1) >> 6;
  const auto total = header_bytes + lu + lp + ld + pad;
  if (total > max_packet_bytes) throw std::runtime_error("packet: over 262144 bytes");
  if (total % 4 != 0) throw std::runtime_error("packet: not a multiple of 4 bytes");
  if (bytes.size() < total) return {};
  used = total;
  for (const char c : bytes.substr(total - pad, pad))
    if (c != 0) throw std::runtime_error("packet: pad bytes are not zero");
  return packet{.type = static_cast<std::uint8_t>(get(bytes, 1, 1)),
                .flags = static_cast<std::uint8_t>(get(bytes, 2, 1) & 0x3F),
                .status = static_cast<std::uint8_t>(get(bytes, 3, 1)),
                .seqno = static_cast<std::uint32_t>(get(bytes, 4, 4)),
                .tunid = static_cast<std::uint16_t>(get(bytes, 8, 2)),
                .url = std::string(bytes.substr(header_bytes, lu)),
                .param = std::string(bytes.substr(header_bytes + lu, lp)),
                .data = std::string(bytes.substr(header_bytes + lu + lp, ld))};
}

packet rpc(std::uint32_t seqno, std::string url, std::string param, std::string data, bool set) {
  return {.type = type_rpc,
          .flags = set ? flag_set : std::uint8_t{0},
          .seqno = seqno,
          .url = std::move(url),
          .param = std::move(param),
          .data = std::move(data)};
}

packet servinfo(std::uint32_t seqno, std::string param, std::uint16_t quick_port) {
  return {.type = type_servinfo,
          .flags = quick_port != 0 ? flag_tunnel : std::uint8_t{0},
          .seqno = seqno,
          .tunid = quick_port,
          .url = {},
          .param = std::move(param),
          .data = {}};
}

packet subscribe(std::uint32_t seqno, std::string url, std::string param) {
  return {.type = type_subscribe,
          .seqno = seqno,
          .url = std::move(url),
          .param = std::move(param),
          .data = {}};
}

packet unsubscribe(std::uint32_t seqno, std::string url, std::string param) {
  packet out = subscribe(seqno, std::move(url), std::move(param));
  out.type = type_unsubscribe;
  return out;
}

packet datagram(std::string url, std::string param, std::string data, std::uint32_t client_id) {
  return {.type = type_datagram,
          .seqno = client_id,
          .url = std::move(url),
          .param = std::move(param),
          .data = std::move(data)};
}

packet ping(std::uint32_t seqno) {
  return {.type = type_pingecho, .seqno = seqno, .url = {}, .param = {}, .data = {}};
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16)));
  return out;
}

std::string to_hex(std::string_view bytes) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(digits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(digits[static_cast<unsigned char>(c) & 0xF]);
  }
  return out;
}

}  // namespace vsoa_test
