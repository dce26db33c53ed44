// A number that one thread changes and any thread may read.
#pragma once

#include <atomic>
#include <cstdint>

namespace vsoa::net {

class counter {
 public:
  counter& operator+=(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    return *this;
  }
  counter& operator-=(std::uint64_t n) noexcept { return *this += ~n + 1; }
  counter& operator++() noexcept { return *this += 1; }
  operator std::uint64_t() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace vsoa::net
