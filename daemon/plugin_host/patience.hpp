// How long the end of a plugin is waited for: a time, which becomes a short one when the operator
// is in a hurry. Waits are cut into slices, so that this is noticed within one.
#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

namespace vsoad {

class patience {
 public:
  static constexpr std::chrono::milliseconds in_a_hurry{100};

  /// @param hurry  asked after each slice; empty: never in a hurry
  explicit patience(std::chrono::milliseconds limit, std::function<bool()> hurry = {})
      : limit_(limit), hurry_(std::move(hurry)) {}

  /// Waits until `wait`, which gets a slice of time and returns whether it was enough, is content.
  /// False: the time, anew for each of these, is over.
  template <class Wait>
  bool until(Wait wait) {
    constexpr std::chrono::milliseconds slice{20};
    auto end = clock::now() + limit_;
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - clock::now());
      if (wait(std::clamp(left, std::chrono::milliseconds(0), slice))) return true;
      if (clock::now() >= end) return false;
      if (limit_ <= in_a_hurry || !hurry_ || !hurry_()) continue;
      shorten();
      end = std::min(end, clock::now() + limit_);
    }
  }
  /// Of the next wait.
  std::chrono::milliseconds limit() const noexcept { return limit_; }
  /// For all that follow: one has been waited for in vain, or somebody is in a hurry.
  void shorten() { limit_ = std::min(limit_, in_a_hurry); }

 private:
  using clock = std::chrono::steady_clock;

  std::chrono::milliseconds limit_;
  const std::function<bool()> hurry_;
};

}  // namespace vsoad
