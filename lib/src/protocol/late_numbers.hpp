// The numbers of requests that were given up, whose answers may still come.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vsoa::protocol {

/// A set of 16-bit numbers that were used in turns. Beyond `most` the oldest is forgotten. No
/// memory until the first; then 8 KiB.
class late_numbers {
 public:
  /// Fewer than half of all, so that those who look for another number need not look long.
  static constexpr std::size_t most = 32767;

  /// @param next  the number that is next in turn: the oldest is the first from there on
  void insert(std::uint16_t number, std::uint16_t next) {
    if (words_.empty()) words_.resize(word_count);
    if (contains(number)) return;
    if (size_ == most) forget_oldest(next);
    words_[number / bits] |= bit_of(number);
    ++size_;
  }
  void erase(std::uint16_t number) noexcept {
    if (!contains(number)) return;
    words_[number / bits] &= ~bit_of(number);
    --size_;
  }
  bool contains(std::uint16_t number) const noexcept {
    return size_ != 0 && (words_[number / bits] & bit_of(number)) != 0;
  }
  void forget_oldest(std::uint16_t next) noexcept {
    if (size_ == 0) return;
    std::size_t at = next / bits;
    std::uint64_t word = words_[at] & ~(bit_of(next) - 1);
    while (word == 0) {
      at = (at + 1) % word_count;
      word = words_[at];
    }
    erase(static_cast<std::uint16_t>(at * bits + static_cast<std::size_t>(std::countr_zero(word))));
  }
  void clear() noexcept {
    if (size_ != 0) std::fill(words_.begin(), words_.end(), 0);
    size_ = 0;
  }
  std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t bits = 64;
  static constexpr std::size_t word_count = 65536 / bits;

  static std::uint64_t bit_of(std::uint16_t number) noexcept {
    return std::uint64_t{1} << number % bits;
  }

  std::vector<std::uint64_t> words_;
  std::size_t size_ = 0;
};

}  // namespace vsoa::protocol
