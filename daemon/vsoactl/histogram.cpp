#include "histogram.hpp"

#include <algorithm>
#include <cmath>

namespace vsoad::ctl {

void histogram::merge(const histogram& other) {
  for (std::size_t i = 0; i < counts_.size(); ++i)
    counts_[i] += other.counts_[i];
  total_ += other.total_;
  max_ = std::max(max_, other.max_);
}

std::uint64_t histogram::middle_of(std::size_t index) {
  if (index < 2 * sub_count) return index;
  const std::size_t shift = index / sub_count - 1;
  const std::uint64_t low = (index - shift * sub_count) << shift;
  return low + (std::uint64_t{1} << shift) / 2;
}

std::uint64_t histogram::quantile(double share) const {
  if (total_ == 0) return 0;
  const double wanted = std::ceil(share * static_cast<double>(total_));
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::min(middle_of(i), max_);
  }
  return max_;
}

}  // namespace vsoad::ctl
