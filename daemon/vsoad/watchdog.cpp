#include "watchdog.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "notify.hpp"

namespace vsoad {

namespace {

// Of the time that systemd gives us, a ping takes at most two of these parts: one between two
// questions, one for the answer. The rest is for a machine under load.
constexpr int parts = 4;

}  // namespace

watchdog::watchdog(question all_came_round, vsoa::log_sink log)
    : all_came_round_(std::move(all_came_round)), log_(std::move(log)) {
  std::uint64_t microseconds = 0;
  if (::sd_watchdog_enabled(0, &microseconds) <= 0) return;
  // A day is as good as any longer time, and fits every clock.
  constexpr std::uint64_t day = 86'400'000'000;
  const std::chrono::microseconds limit(std::min(microseconds, day));
  thread_ = std::thread([this, limit] { run(limit); });
}

watchdog::~watchdog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void watchdog::run(std::chrono::microseconds limit) {
  const auto part = std::max(std::chrono::duration_cast<std::chrono::milliseconds>(limit / parts),
                             std::chrono::milliseconds(1));
  std::unique_lock lock(mutex_);
  while (!ending_) {
    lock.unlock();
    const bool well = all_came_round_(part);
    if (well) notify::alive();
    report(well, part);
    lock.lock();
    wake_.wait_for(lock, part, [this] { return ending_; });
  }
}

// Each change once: a loop that stands still does so many times in a row.
void watchdog::report(bool well, std::chrono::milliseconds asked) {
  if (well == was_well_) return;
  was_well_ = well;
  if (!log_) return;
  if (well) {
    log_(vsoa::log_level::warning, "watchdog: all event loops come round again");
  } else {
    log_(vsoa::log_level::error, "watchdog: an event loop has not come round for " +
                                     std::to_string(asked.count()) +
                                     " ms; systemd is told nothing until it does, and restarts "
                                     "vsoad after WatchdogSec");
  }
}

}  // namespace vsoad
