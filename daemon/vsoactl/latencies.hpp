// How long calls took, in a fixed amount of memory however many there are: counts by size, in steps
// of less than 2 %.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace vsoad::ctl {

class latencies {
 public:
  void add(std::chrono::nanoseconds took) noexcept {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(took.count(), 0));
    ++counts_[place_of(value)];
    ++total_;
    most_ = std::max(most_, value);
  }

  std::uint64_t count() const noexcept { return total_; }
  std::chrono::nanoseconds most() const noexcept { return to_time(most_); }
  /// What this share of the calls was done within; 0: there were none.
  std::chrono::nanoseconds within(double share) const noexcept {
    if (total_ == 0) return {};
    auto left = static_cast<std::uint64_t>(share * static_cast<double>(total_ - 1));
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > left) return to_time(std::min(most_, largest_of(i)));
      left -= counts_[i];
    }
    return most();
  }

 private:
  // Values below `steps` have places of their own; from there on each power of two has so many.
  static constexpr unsigned step_bits = 6;
  static constexpr std::uint64_t steps = 1U << step_bits;
  static constexpr std::size_t places = (64 - step_bits + 1) * steps;

  static std::size_t place_of(std::uint64_t value) noexcept {
    if (value < steps) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - 1 - step_bits;
    return (shift + 1) * steps + ((value >> shift) & (steps - 1));
  }
  static std::uint64_t largest_of(std::size_t place) noexcept {
    if (place < steps) return place;
    const auto shift = static_cast<unsigned>(place / steps) - 1;
    return ((steps + place % steps + 1) << shift) - 1;
  }
  static std::chrono::nanoseconds to_time(std::uint64_t value) noexcept {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(value));
  }

  std::array<std::uint64_t, places> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t most_ = 0;
};

}  // namespace vsoad::ctl
