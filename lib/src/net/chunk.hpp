// Blocks of outgoing bytes. A packet is encoded once into a chunk; the outboxes of all its
// receivers hold slices of it. A loop's chunks are counted without atomics: a chunk and all its
// slices belong to one loop, and pass to another only as a whole, while nobody else holds them.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace vsoa::net {

class chunk_pool;

/// Header of a block; its bytes follow it in memory.
class chunk {
 public:
  /// A block of its own, freed with its last reference.
  /// @param shared  see is_shared_log()
  static boost::intrusive_ptr<chunk> allocate(std::size_t capacity, bool shared = false);

  std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this + 1); }
  std::size_t capacity() const noexcept { return capacity_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t room() const noexcept { return capacity_ - size_; }
  /// Appends `count` uninitialised bytes. @pre count <= room()
  std::byte* extend(std::size_t count) noexcept {
    std::byte* place = data() + size_;
    size_ += static_cast<std::uint32_t>(count);
    return place;
  }
  void clear() noexcept { size_ = 0; }
  /// Whether many outboxes may share it, most of them for a few bytes: never to be kept for long.
  bool is_shared_log() const noexcept { return shared_; }
  bool is_sole_reference() const noexcept { return references_ == 1; }

  friend void intrusive_ptr_add_ref(chunk* c) noexcept { ++c->references_; }
  friend void intrusive_ptr_release(chunk* c) noexcept {
    if (--c->references_ == 0) c->dispose();
  }

 private:
  friend class chunk_pool;
  chunk(std::size_t capacity, chunk_pool* pool, bool shared) noexcept;
  ~chunk() = default;
  void dispose() noexcept;
  static chunk* create(std::size_t capacity, chunk_pool* pool, bool shared);
  static void destroy(chunk* c) noexcept;

  std::uint32_t references_ = 0;
  std::uint32_t capacity_;
  std::uint32_t size_ = 0;
  bool shared_;
  chunk_pool* pool_;  // where it returns to; null: a block of its own
};

using chunk_ptr = boost::intrusive_ptr<chunk>;

/// A range of a chunk's bytes.
struct slice {
  chunk_ptr block;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  std::size_t size() const noexcept { return end - begin; }
  const std::byte* data() const noexcept { return block->data() + begin; }
};

/// Where a loop's packets are encoded: small ones one behind the other in blocks of 64 KiB, so that
/// what goes to one receiver in one turn is often one contiguous run; large ones in blocks of their
/// own.
class output_log {
 public:
  static constexpr std::size_t block_bytes = 64U * 1024 - sizeof(chunk);
  static constexpr std::size_t large_bytes = 16U * 1024;

  explicit output_log(chunk_pool& pool) noexcept : pool_(pool) {}
  /// Room for a packet of `bytes`, to be filled by the caller before anything else is reserved.
  [[gnu::always_inline]] slice reserve(std::size_t bytes) {
    if (bytes >= large_bytes) [[unlikely]]
      return extend(chunk::allocate(bytes), bytes);
    return extend(chunk_ptr(&block_with(bytes)), bytes);
  }
  /// The same for several packets of `bytes` each: for as many of `count` as come to lie in one
  /// block, at least one.
  slice reserve_several(std::size_t bytes, std::size_t count);
  /// Forgets the current block: at the end of a turn nothing holds on to it.
  void reset() noexcept { current_.reset(); }

 private:
  static slice extend(chunk_ptr block, std::size_t bytes) {
    const auto begin = static_cast<std::uint32_t>(block->size());
    block->extend(bytes);
    return {std::move(block), begin, begin + static_cast<std::uint32_t>(bytes)};
  }
  chunk& block_with(std::size_t room) {
    if (current_) [[likely]] {
      // Nobody holds a slice of it any more: begin again, in memory that the cache knows.
      if (current_->is_sole_reference()) current_->clear();
      if (current_->room() >= room) [[likely]]
        return *current_;
    }
    return next_block();
  }
  chunk& next_block();

  chunk_pool& pool_;
  chunk_ptr current_;
};

/// Keeps a few free log blocks of one loop.
class chunk_pool {
 public:
  static constexpr std::size_t max_free = 32;

  chunk_pool() = default;
  ~chunk_pool();
  chunk_pool(const chunk_pool&) = delete;
  chunk_pool& operator=(const chunk_pool&) = delete;

  chunk_ptr take();

 private:
  friend class chunk;
  void give_back(chunk* c) noexcept;

  std::vector<chunk*> free_;
};

}  // namespace vsoa::net
