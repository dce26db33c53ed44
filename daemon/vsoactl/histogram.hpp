// A log-linear histogram: constant memory, constant cost to record, error below 1 %.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace vsoad::ctl {

/// Counts values from 0 to 2^42 - 1 ns (73 minutes); larger ones count as that.
///
/// Up to 256 each value has its own bucket; above, each power of two has 128 buckets.
class histogram {
 public:
  /// @param times  how often
  void record(std::uint64_t value_ns, std::uint64_t times = 1) {
    if (value_ns > max_value) value_ns = max_value;
    counts_[index_of(value_ns)] += times;
    total_ += times;
    if (value_ns > max_) max_ = value_ns;
  }
  void merge(const histogram& other);
  void clear() { *this = histogram(); }

  std::uint64_t count() const { return total_; }
  std::uint64_t max() const { return max_; }
  /// The middle of the bucket that holds this share of the values; 0 when there are none.
  /// @param share  0..1, for instance 0.99
  std::uint64_t quantile(double share) const;

 private:
  static constexpr unsigned sub_bits = 7;
  static constexpr std::uint64_t sub_count = 1U << sub_bits;
  static constexpr unsigned value_bits = 42;
  static constexpr std::uint64_t max_value = (std::uint64_t{1} << value_bits) - 1;

  static std::size_t index_of(std::uint64_t value) {
    if (value < 2 * sub_count) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - sub_bits - 1;
    return shift * sub_count + (value >> shift);
  }
  static std::uint64_t middle_of(std::size_t index);

  std::array<std::uint64_t, (value_bits - sub_bits + 1) * sub_count> counts_{};
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace vsoad::ctl
