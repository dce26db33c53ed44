#include "plugin_host/reclaimer.hpp"

#include <iterator>

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
  if (!loops_.quiesce(patience)) {
    const std::lock_guard lock(mutex_);
    retired_.insert(retired_.begin(), std::make_move_iterator(old.begin()),
                    std::make_move_iterator(old.end()));
    return false;
  }
  // Whoever holds it now began before what was retired was out of reach.
  { const std::unique_lock lock(outside_); }
  return true;  // `old` goes
}

}  // namespace vsoad
