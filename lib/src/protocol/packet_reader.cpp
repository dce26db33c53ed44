#include "protocol/packet_reader.hpp"

#include <algorithm>
#include <cstring>

namespace vsoa::protocol {
namespace {

constexpr std::size_t smallest_buffer = 64;

}  // namespace

void packet_reader::keep(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (size_ + bytes.size() > capacity_) {
    reserve(std::max({size_ + bytes.size(), std::min(2 * capacity_, limit_), smallest_buffer}));
  }
  std::memcpy(buffer_.get() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

packet_train packet_reader::take_alike(const packet_view& p, std::size_t packet_bytes) noexcept {
  if (packet_bytes != here_->packet_bytes) return {};
  const packet_train train = train_at(here_->input, packet_bytes, header_bytes + p.url.size());
  if (train.count == 1) return {};
  here_->taken = train.count * packet_bytes;
  return train;
}

void packet_reader::reserve(std::size_t capacity) {
  std::unique_ptr<std::byte[]> larger(new std::byte[capacity]);
  if (size_ != 0) std::memcpy(larger.get(), buffer_.get(), size_);
  buffer_ = std::move(larger);
  capacity_ = capacity;
}

void packet_reader::release() noexcept {
  buffer_.reset();
  size_ = 0;
  capacity_ = 0;
}

std::size_t packet_reader::missing(std::span<const std::byte> input) noexcept {
  packet_view ignored;
  const decode_result result = decode(kept_bytes(), ignored, limit_);
  if (result.state != decode_state::need_more) return 0;  // consume() says what is wrong
  return std::min(result.bytes - size_, input.size());
}

}  // namespace vsoa::protocol
