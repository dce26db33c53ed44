#include "plugin_host/rundown.hpp"

#include <thread>

namespace vsoad {

std::size_t rundown::thread_number() noexcept {
  static std::atomic<std::size_t> next{0};
  thread_local const std::size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number;
}

std::int64_t rundown::inside() const noexcept {
  std::int64_t sum = 0;
  for (const auto& one : shards_)
    sum += one.inside.load(std::memory_order_seq_cst);
  return sum;
}

bool rundown::wait(std::chrono::milliseconds patience) const {
  // Polled: it happens once in a plugin's life, and a wake-up would cost every leave().
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (inside() > 0) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace vsoad
