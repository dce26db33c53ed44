#include "net/outbox.hpp"

#include <algorithm>
#include <cstring>

namespace vsoa::net {
namespace {

constexpr std::size_t smallest_copy = 4096;
constexpr std::size_t largest_copy = output_log::block_bytes;
constexpr std::size_t kept_slices = 16;  // capacity that an empty outbox may keep

}  // namespace

// What does not go on where the last one ends.
void outbox::append_apart(const slice& s) {
  if (s.size() == 0) return;
  if (detached_ && s.block->is_shared_log()) return append_copy(s.data(), s.size());
  bytes_ += s.size();
  slices_.push_back(s);
}

void outbox::append_copy(const std::byte* bytes, std::size_t count) {
  bytes_ += count;
  while (count != 0) {
    const bool extend = head_ < slices_.size() && !slices_.back().block->is_shared_log() &&
                        slices_.back().block->is_sole_reference() &&
                        slices_.back().end == slices_.back().block->size() &&
                        slices_.back().block->room() != 0;
    if (!extend) {
      // Grows with what is queued, so that little waiting takes little memory.
      const std::size_t capacity = std::max(count, std::clamp(bytes_, smallest_copy, largest_copy));
      slices_.push_back({chunk::allocate(capacity), 0, 0});
    }
    slice& last = slices_.back();
    const std::size_t part = std::min(count, last.block->room());
    std::memcpy(last.block->extend(part), bytes, part);
    last.end += static_cast<std::uint32_t>(part);
    bytes += part;
    count -= part;
  }
}

std::size_t outbox::gather(std::span<iovec, max_parts> parts) const noexcept {
  const std::size_t count = std::min(max_parts, slices_.size() - head_);
  for (std::size_t i = 0; i < count; ++i) {
    const slice& s = slices_[head_ + i];
    parts[i] = {s.block->data() + s.begin, s.size()};
  }
  return count;
}

void outbox::consume(std::size_t count) noexcept {
  bytes_ -= count;
  if (bytes_ == 0) return clear();
  while (count != 0) {
    slice& first = slices_[head_];
    const std::size_t part = std::min(count, first.size());
    first.begin += static_cast<std::uint32_t>(part);
    count -= part;
    if (first.size() == 0) {
      first.block.reset();
      ++head_;
    }
  }
  // Moves the rest down once the done part is the larger one: amortised constant per slice.
  if (head_ > kept_slices && head_ * 2 > slices_.size()) {
    slices_.erase(slices_.begin(), slices_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }
}

void outbox::clear() noexcept {
  bytes_ = 0;
  head_ = 0;
  detached_ = false;
  if (slices_.capacity() > kept_slices) {
    std::vector<slice>().swap(slices_);
  } else {
    slices_.clear();
  }
}

void outbox::detach() {
  detached_ = true;
  const auto shared = [](const slice& s) { return s.block->is_shared_log(); };
  const auto first = slices_.begin() + static_cast<std::ptrdiff_t>(head_);
  if (std::none_of(first, slices_.end(), shared)) return;
  std::vector<slice> old(std::make_move_iterator(first), std::make_move_iterator(slices_.end()));
  slices_.clear();
  head_ = 0;
  bytes_ = 0;
  for (const slice& s : old)
    append(s);
}

}  // namespace vsoa::net
