// What waits to be written to one connection: slices of chunks, in order. Neighbouring slices of
// one chunk become one, so that a turn's packets are often a single run of bytes.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <vector>

#include "net/chunk.hpp"

namespace vsoa::net {

class outbox {
 public:
  static constexpr std::size_t max_parts = 256;  // of one gathered write

  [[gnu::always_inline]] void append(const slice& s) {
    if (!detached_ && head_ < slices_.size()) [[likely]] {
      slice& last = slices_.back();
      if (last.block == s.block && last.end == s.begin) {
        last.end = s.end;
        bytes_ += s.size();
        return;
      }
    }
    append_apart(s);
  }
  bool empty() const noexcept { return bytes_ == 0; }
  std::size_t bytes() const noexcept { return bytes_; }

  /// Describes the bytes at the front, at most max_parts pieces; answers how many pieces.
  std::size_t gather(std::span<iovec, max_parts> parts) const noexcept;
  /// Forgets `count` bytes at the front. @pre count <= bytes()
  void consume(std::size_t count) noexcept;
  void clear() noexcept;

  /// Copies what lies in shared log blocks into blocks of its own: bytes that stay longer than
  /// their turn must not hold a whole block for a few bytes of it.
  void detach();

 private:
  void append_apart(const slice& s);
  void append_copy(const std::byte* bytes, std::size_t count);

  std::vector<slice> slices_;
  std::size_t head_ = 0;  // slices before it are done
  std::size_t bytes_ = 0;
  bool detached_ = false;  // small slices are copied on arrival
};

}  // namespace vsoa::net
