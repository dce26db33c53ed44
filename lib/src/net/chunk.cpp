#include "net/chunk.hpp"

#include <new>

namespace vsoa::net {

chunk::chunk(std::size_t capacity, chunk_pool* pool, bool shared) noexcept
    : capacity_(static_cast<std::uint32_t>(capacity)), shared_(shared), pool_(pool) {}

chunk* chunk::create(std::size_t capacity, chunk_pool* pool, bool shared) {
  void* memory = ::operator new(sizeof(chunk) + capacity);
  return new (memory) chunk(capacity, pool, shared);
}

void chunk::destroy(chunk* c) noexcept {
  c->~chunk();
  ::operator delete(c);
}

chunk_ptr chunk::allocate(std::size_t capacity, bool shared) {
  return {create(capacity, nullptr, shared)};
}

std::byte* chunk::extend(std::size_t count) noexcept {
  std::byte* place = data() + size_;
  size_ += static_cast<std::uint32_t>(count);
  return place;
}

void chunk::dispose() noexcept {
  if (pool_ != nullptr) {
    pool_->give_back(this);
  } else {
    destroy(this);
  }
}

chunk_pool::~chunk_pool() {
  for (chunk* c : free_)
    chunk::destroy(c);
}

chunk_ptr chunk_pool::take() {
  if (free_.empty()) {
    free_.reserve(max_free);
    return {chunk::create(output_log::block_bytes, this, true)};
  }
  chunk* c = free_.back();
  free_.pop_back();
  c->clear();
  return {c};
}

void chunk_pool::give_back(chunk* c) noexcept {
  if (free_.size() < max_free && free_.size() < free_.capacity()) {
    free_.push_back(c);
  } else {
    chunk::destroy(c);
  }
}

slice output_log::reserve(std::size_t bytes) {
  chunk_ptr block;
  if (bytes >= large_bytes) {
    block = chunk::allocate(bytes);
  } else {
    // Nobody holds a slice of it any more: begin again, in memory that the cache knows.
    if (current_ && current_->is_sole_reference()) current_->clear();
    if (!current_ || current_->room() < bytes) current_ = pool_.take();
    block = current_;
  }
  const auto begin = static_cast<std::uint32_t>(block->size());
  block->extend(bytes);
  return {std::move(block), begin, begin + static_cast<std::uint32_t>(bytes)};
}

}  // namespace vsoa::net
