#include "net/chunk.hpp"

#include <algorithm>
#include <new>
#include <utility>

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

chunk& output_log::next_block() {
  current_ = pool_.take();
  return *current_;
}

slice output_log::reserve_several(std::size_t bytes, std::size_t count) {
  if (count == 1 || bytes >= large_bytes) return reserve(bytes);
  chunk& block = block_with(bytes);
  return extend(chunk_ptr(&block), bytes * std::min(count, block.room() / bytes));
}

}  // namespace vsoa::net
