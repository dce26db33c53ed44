// The event loops, a thread each, on which servers live; and one thread more, once it is needed,
// for lookups and position servers.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "vsoa/export.hpp"
#include "vsoa/log.hpp"

namespace vsoa {

/// How many loops, and what they do besides.
struct runtime_options {
  /// 1..64; 0: one per core that this process may use, 64 at most. More: std::invalid_argument.
  std::size_t loops = 1;
  /// For what the library has to say; empty: nothing.
  log_sink log;
  /// How long a loop goes on asking for work before it sleeps: lower latency for a core at 100 %.
  /// 0: not at all.
  std::chrono::microseconds busy_poll{0};
};

/// Owns the loops. Construct it first, destroy it last: everything on it must be gone by then.
class VSOA_API runtime {
 public:
  /// Does not start. Throws std::invalid_argument, and std::system_error without descriptors.
  explicit runtime(runtime_options options = {});
  ~runtime();  ///< stops
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  /// Starts one thread per loop. Once.
  void start();
  /// Ends the loops, handlers not yet run are dropped, and joins their threads. Idempotent. Not
  /// from a loop's own thread.
  void stop();

  /// How many loops there are.
  std::size_t size() const noexcept;
  /// The index of the loop that the calling thread runs; size(): none of these. Any thread.
  std::size_t here() const noexcept;

  /// Waits until every loop has come to the end of what it is running now, so that what was closed
  /// to the loops before has nobody inside any more. True at once when no loop runs; the caller's
  /// own loop is not waited for. Any thread.
  /// @return false: not within `patience`
  bool quiesce(std::chrono::milliseconds patience);

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
