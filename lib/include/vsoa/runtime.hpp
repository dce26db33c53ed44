// The event loops: one Asio io_context and one thread each. Servers and position servers live on
// them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "vsoa/log.hpp"

namespace vsoa {

struct runtime_options {
  /// 1..64; 0: one per core that this process may use, 64 at most. More: std::invalid_argument.
  std::size_t loops = 1;
  log_sink log;
};

/// Owns the loops. Construct it first, destroy it last: everything on it must be gone by then.
class runtime {
 public:
  explicit runtime(runtime_options options = {});
  ~runtime();  ///< stops
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  /// Starts one thread per loop. Once.
  void start();
  /// Ends the loops, handlers not yet run are dropped, and joins their threads. Idempotent. Not
  /// from a loop's own thread.
  void stop();

  std::size_t size() const noexcept;

  /// Runs `task` on loop `index` (modulo size()), soon. Any thread. Tasks of one thread for one
  /// loop keep their order. A task must not throw, nor one of a timer.
  void post(std::size_t index, std::function<void()> task);

  using timer_id = std::uint64_t;  ///< 0 is never a timer
  /// Runs `task` on loop `index` (modulo size()) after `delay`, then every `interval` unless that
  /// is zero. Resolution: a millisecond. Any thread.
  timer_id start_timer(std::size_t index, std::chrono::milliseconds delay,
                       std::chrono::milliseconds interval, std::function<void()> task);
  /// Ends a timer. On the timer's own loop the task will not run again once this has returned; from
  /// elsewhere one run may still be under way. Unknown ids are ignored. Any thread.
  void stop_timer(timer_id id);

  class impl;
  impl& internals() noexcept { return *impl_; }  ///< for libvsoa's own parts

 private:
  std::unique_ptr<impl> impl_;
};

}  // namespace vsoa
