#include "plugin_host/reclaimer.hpp"

#include <iterator>
#include <thread>

namespace vsoad {

reclaimer::~reclaimer() = default;

void reclaimer::retire(std::shared_ptr<const void> old) {
  if (!old) return;
  const std::lock_guard lock(mutex_);
  retired_.push_back(std::move(old));
}

bool reclaimer::is_empty() const {
  const std::lock_guard lock(mutex_);
  return retired_.empty();
}

bool reclaimer::collect(std::chrono::milliseconds patience) {
  std::vector<std::shared_ptr<const void>> old;
  {
    const std::lock_guard lock(mutex_);
    old.swap(retired_);
  }
  if (old.empty()) return true;
  if (!loops_.quiesce(patience) || !wait_for_readers(patience)) {
    const std::lock_guard lock(mutex_);
    retired_.insert(retired_.begin(), std::make_move_iterator(old.begin()),
                    std::make_move_iterator(old.end()));
    return false;
  }
  return true;  // `old` goes
}

// Twice: one who has looked up the door, and not gone in yet, may come in by that which has been
// waited for already.
bool reclaimer::wait_for_readers(std::chrono::milliseconds patience) {
  constexpr std::chrono::microseconds moment{50};
  const auto until = std::chrono::steady_clock::now() + patience;
  for (int i = 0; i < 2; ++i) {
    const auto& leaving = inside_[phase_.fetch_add(1) % 2].count;
    while (leaving.load() != 0) {
      if (std::chrono::steady_clock::now() >= until) return false;
      std::this_thread::sleep_for(moment);
    }
  }
  return true;
}

}  // namespace vsoad
