// The watchdog of systemd: it is told that all is well for as long as every event loop comes round,
// and ends and restarts us when it has not been told for WatchdogSec.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "vsoa/log.hpp"

namespace vsoad {

class watchdog {
 public:
  /// Whether all that is watched has come round within `patience`. Called from the watchdog's
  /// thread, and may block for that long. Must not throw.
  using question = std::function<bool(std::chrono::milliseconds patience)>;

  /// Asks from now on, on a thread of its own, if systemd expects it of this process
  /// ($WATCHDOG_USEC, $WATCHDOG_PID); else does nothing.
  watchdog(question all_came_round, vsoa::log_sink log);
  ~watchdog();  ///< ends the thread; waits for an answer that it is waiting for
  watchdog(const watchdog&) = delete;
  watchdog& operator=(const watchdog&) = delete;

  bool is_running() const noexcept { return thread_.joinable(); }

 private:
  void run(std::chrono::microseconds limit);
  void report(bool well, std::chrono::milliseconds asked);

  const question all_came_round_;
  const vsoa::log_sink log_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;  // guarded by mutex_
  bool was_well_ = true;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace vsoad
