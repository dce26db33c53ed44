#include "net/timer_wheel.hpp"

#include <algorithm>

namespace vsoa::net {

std::int64_t timer_wheel::tick_of(steady_time t) noexcept {
  return t.time_since_epoch() / tick;
}

void timer_wheel::schedule(entry& e, steady_time due) {
  cancel(e);
  e.due_ = due;
  // The tick after the one that `due` lies in: never early. What is already over runs at the next.
  const std::int64_t when = std::max(tick_of(due), current_) + 1;
  slots_[static_cast<std::size_t>(when) % slot_count].push_back(e);
}

void timer_wheel::advance(steady_time now) {
  const std::int64_t target = tick_of(now);
  // After a long sleep one round visits every slot; more would find the same entries again.
  current_ = std::max(current_, target - static_cast<std::int64_t>(slot_count));
  while (current_ < target) {
    ++current_;
    list& slot = slots_[static_cast<std::size_t>(current_) % slot_count];
    list visited;
    visited.swap(slot);
    while (!visited.empty()) {
      entry& e = visited.front();
      visited.pop_front();
      if (e.due_ > now) {
        slot.push_back(e);  // a later round
      } else {
        e.on_timer(now);
      }
    }
  }
}

std::optional<steady_time> timer_wheel::next() const {
  for (std::size_t ahead = 1; ahead <= slot_count; ++ahead) {
    const std::int64_t when = current_ + static_cast<std::int64_t>(ahead);
    if (!slots_[static_cast<std::size_t>(when) % slot_count].empty()) {
      return steady_time(when * tick);
    }
  }
  return {};
}

}  // namespace vsoa::net
