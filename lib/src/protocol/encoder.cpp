#include "protocol/encoder.hpp"

namespace vsoa::protocol {
namespace {

constexpr std::array<std::byte, 3> zeros{};

}  // namespace

packet_parts::packet_parts(packet_head head, std::string_view url,
                           const payload_view& payload) noexcept {
  const std::size_t pad = detail::pad_for(detail::unpadded_bytes(url, payload));
  detail::encode_header(head, url, payload, pad, header_.data());
  const auto part = [](const void* bytes, std::size_t size) {
    return iovec{const_cast<void*>(bytes), size};  // only ever read
  };
  parts_ = {part(header_.data(), header_.size()), part(url.data(), url.size()),
            part(payload.param.data(), payload.param.size()),
            part(payload.data.data(), payload.data.size()), part(zeros.data(), pad)};
}

}  // namespace vsoa::protocol
