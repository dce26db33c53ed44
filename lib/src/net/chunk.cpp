#include "net/chunk.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace vsoa::net {
namespace {

slice extend(chunk_ptr block, std::size_t bytes) {
  const auto begin = static_cast<std::uint32_t>(block->size());
  block->extend(bytes);
  return {std::move(block), begin, begin + static_cast<std::uint32_t>(bytes)};
}

}  // namespace

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

chunk& output_log::block_with(std::size_t room) {
  // Nobody holds a slice of it any more: begin again, in memory that the cache knows.
  if (current_ && current_->is_sole_reference()) current_->clear();
  if (!current_ || current_->room() < room) current_ = pool_.take();
  return *current_;
}

slice output_log::reserve(std::size_t bytes) {
  chunk_ptr block = bytes >= large_bytes ? chunk::allocate(bytes) : chunk_ptr(&block_with(bytes));
  return extend(std::move(block), bytes);
}

slice output_log::reserve_several(std::size_t bytes, std::size_t count) {
  if (count == 1 || bytes >= large_bytes) return reserve(bytes);
  chunk& block = block_with(bytes);
  return extend(chunk_ptr(&block), bytes * std::min(count, block.room() / bytes));
}

}  // namespace vsoa::net
