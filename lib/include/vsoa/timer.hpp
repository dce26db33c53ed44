// A timer on one of a runtime's loops: once, or again and again. runtime::start_timer() is the bare
// thing; this one is an object that can be started anew, asked, and destroyed at any moment.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "vsoa/export.hpp"
#include "vsoa/runtime.hpp"

namespace vsoa {

/// All members may be called from any thread, the callback included. Callbacks of one timer run on
/// its loop, hence never two at the same time.
class VSOA_API timer {
 public:
  /// @param loops  outlives the timer
  /// @param loop   the index of the loop that runs the callbacks, modulo loops.size()
  explicit timer(runtime& loops, std::size_t loop = 0);
  /// Stops, and waits for a callback that is under way: what it uses may go afterwards. Inside the
  /// callback it does not wait, so that a timer may destroy itself. Hold no lock that the callback
  /// takes, and let no two callbacks, on two loops, destroy each other's timer: they would wait for
  /// each other for ever. Between loops, post to the timer's.
  ~timer();
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;

  /// Runs `callback` after `timeout`, then every `interval` unless that is 0. A timer that is
  /// started already starts anew, with this callback alone. Time counts from now, or from the start
  /// of the loops if they do not run yet; resolution: a millisecond. Periods that were missed are
  /// not made up for. An exception that leaves the callback is logged, and the timer goes on.
  /// @param timeout   1 ms or more
  /// @param interval  0, or 1 ms or more
  /// @return false, and nothing changes: a time out of range, an empty callback, or, inside the
  ///         callback, the timer is being destroyed
  bool start(std::chrono::milliseconds timeout, std::function<void()> callback,
             std::chrono::milliseconds interval = std::chrono::milliseconds(0));

  /// Ends it; it may be started again. Once this has returned no callback begins; one that is under
  /// way on another thread is not waited for. Idempotent.
  void stop();

  /// Whether a callback is to come. False inside the callback of one that runs once.
  bool is_started() const;

 private:
  struct state;
  std::shared_ptr<state> state_;  // a callback under way may outlive the timer that it destroys
};

}  // namespace vsoa
