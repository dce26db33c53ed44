// Lets one callback of a plugin run at a time without ever making an event loop wait. Who finds the
// gate free runs at once, without allocation; who finds it taken leaves a job, which whoever is
// inside runs on the way out. Threads that may block (work queues) wait their turn instead, so that
// their slow work is never left for a loop to do.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

namespace vsoad {

class serial_gate {
 public:
  using job = std::function<void()>;

  /// @param handover  asked to call resume() soon on some loop, when much work has piled up and the
  ///                  loop that has done a share of it must see to its own connections again
  serial_gate(std::size_t limit, std::function<void()> handover)
      : limit_(limit), handover_(std::move(handover)) {}

  /// Takes the gate if it is free. The caller then runs its callback and calls leave().
  bool try_enter();
  /// Waits for the gate. For threads that may block.
  void enter();
  /// Leaves a job for whoever is inside. If the gate has become free meanwhile the job runs here.
  /// @param always  even when `limit` jobs wait already
  /// @return false: the limit is reached, the job was dropped
  bool leave_job(job work, bool always);
  /// Runs some of the jobs left, then opens the gate.
  void leave();
  /// Goes on with what leave() handed over.
  void resume() { leave(); }

 private:
  static constexpr std::size_t share = 64;  // jobs that one visitor runs for others

  const std::size_t limit_;
  const std::function<void()> handover_;
  std::mutex mutex_;  // innermost: nothing is called under it
  std::condition_variable free_;
  bool taken_ = false;       // under mutex_
  std::size_t queuing_ = 0;  // under mutex_: threads in enter()
  std::deque<job> jobs_;     // under mutex_
};

}  // namespace vsoad
