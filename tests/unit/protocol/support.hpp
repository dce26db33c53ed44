// Between the library's packets and those of the tests.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "protocol/encoder.hpp"
#include "vsoa/packet.hpp"
#include "wire.hpp"

namespace vsoa_test {

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Copies what a view shows.
inline packet to_packet(const vsoa::packet_view& v) {
  packet p;
  p.type = static_cast<std::uint8_t>(v.type);
  p.flags = v.flags;
  p.status = v.status;
  p.seqno = v.seqno;
  p.tunid = v.tunid;
  p.url = v.url;
  p.param = v.payload.param;
  p.data = as_text(v.payload.data);
  return p;
}

/// A view of a packet, which must outlive it.
inline vsoa::packet_view to_view(const packet& p) {
  vsoa::packet_view v;
  v.type = static_cast<vsoa::packet_type>(p.type);
  v.flags = p.flags;
  v.status = p.status;
  v.seqno = p.seqno;
  v.tunid = p.tunid;
  v.url = p.url;
  v.payload = {p.param, as_bytes(p.data)};
  return v;
}

inline std::string encode(const vsoa::packet_view& v) {
  // Not zero, so that a byte left unwritten shows.
  std::string bytes(vsoa::protocol::encoded_bytes(v), '\x5A');
  vsoa::protocol::encode(v, reinterpret_cast<std::byte*>(bytes.data()));
  return bytes;
}

inline bool same(const packet& a, const packet& b) {
  return a.type == b.type && a.flags == b.flags && a.status == b.status && a.seqno == b.seqno &&
         a.tunid == b.tunid && a.url == b.url && a.param == b.param && a.data == b.data;
}

}  // namespace vsoa_test
