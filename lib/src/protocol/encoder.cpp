#include "protocol/encoder.hpp"

#include "protocol/wire.hpp"

namespace vsoa::protocol {
namespace {

std::size_t body_bytes(const packet_view& p) noexcept {
  return p.url.size() + p.payload.param.size() + p.payload.data.size();
}

std::size_t pad_for(std::size_t unpadded) noexcept {
  return (4 - unpadded % 4) % 4;
}

std::byte* append(std::byte* out, const void* bytes, std::size_t count) noexcept {
  if (count != 0) std::memcpy(out, bytes, count);
  return out + count;
}

constexpr std::array<std::byte, 3> zeros{};

void encode_header(const packet_view& p, std::size_t pad, std::byte* out) noexcept {
  out[offset::magic] = magic_byte;
  out[offset::type] = static_cast<std::byte>(p.type);
  out[offset::flags] = static_cast<std::byte>((p.flags & flag_bits) | (pad << pad_shift));
  out[offset::status] = static_cast<std::byte>(p.status);
  store(out + offset::seqno, p.seqno);
  store(out + offset::tunid, p.tunid);
  store(out + offset::url_length, static_cast<std::uint16_t>(p.url.size()));
  store(out + offset::param_length, static_cast<std::uint32_t>(p.payload.param.size()));
  store(out + offset::data_length, static_cast<std::uint32_t>(p.payload.data.size()));
}

}  // namespace

std::size_t encoded_bytes(const packet_view& p) noexcept {
  const std::size_t unpadded = header_bytes + body_bytes(p);
  return unpadded + pad_for(unpadded);
}

bool fits(const packet_view& p, channel via) noexcept {
  const std::size_t limit = via == channel::normal ? max_packet_bytes : max_quick_send_bytes;
  return p.url.size() <= max_url_bytes && p.payload.param.size() <= limit &&
         p.payload.data.size() <= limit && encoded_bytes(p) <= limit;
}

void encode(const packet_view& p, std::byte* out) noexcept {
  const std::size_t pad = pad_for(header_bytes + body_bytes(p));
  encode_header(p, pad, out);
  out = append(out + header_bytes, p.url.data(), p.url.size());
  out = append(out, p.payload.param.data(), p.payload.param.size());
  out = append(out, p.payload.data.data(), p.payload.data.size());
  append(out, zeros.data(), pad);
}

packet_parts::packet_parts(const packet_view& p) noexcept {
  const std::size_t pad = pad_for(header_bytes + body_bytes(p));
  encode_header(p, pad, header_.data());
  const auto part = [](const void* bytes, std::size_t size) {
    return iovec{const_cast<void*>(bytes), size};  // only ever read
  };
  parts_ = {part(header_.data(), header_.size()), part(p.url.data(), p.url.size()),
            part(p.payload.param.data(), p.payload.param.size()),
            part(p.payload.data.data(), p.payload.data.size()), part(zeros.data(), pad)};
}

}  // namespace vsoa::protocol
