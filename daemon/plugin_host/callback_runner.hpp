// How the callbacks of one plugin come to run: at once where that is possible, one at a time unless
// the plugin is CONCURRENT, on the plugin's work queue if the operator gave it one, never waiting
// on an event loop, and not after the end.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "plugin_host/environment.hpp"
#include "plugin_host/rundown.hpp"
#include "plugin_host/serial_gate.hpp"

namespace vsoad {

class callback_runner {
 public:
  using job = std::function<void()>;

  /// Callbacks that one plugin may have waiting; more calls are answered NO_MEMORY, more datagrams
  /// are lost, and a client whose event finds no place is closed. Only the end of a client always
  /// has a place.
  static constexpr std::size_t max_waiting = 1024;

  enum class importance { may_drop, must_run };

  /// @param own  the plugin's work queue; null: its events run on the loops where they happen
  /// @param loop  the loop that goes on with piled up work
  callback_runner(environment& env, bool is_concurrent, vsoa::work_queue* own, std::size_t loop);

  /// Opens for callbacks: the plugin has started.
  void open() noexcept { door_.open(); }
  /// Refuses callbacks from now on.
  void close() noexcept { door_.close(); }
  /// After close(): waits for those under way or kept for later.
  bool wait(std::chrono::milliseconds patience) const;

  /// No callback is under way or kept for later, at this moment.
  bool is_empty() const noexcept;

  /// Keeps this object alive and wait() waiting until release(). False once closed.
  bool hold() noexcept { return door_.enter(); }
  void release() noexcept { door_.leave(); }

  enum class outcome { done, kept, full, closed };

  /// For a loop's thread. Runs `now` here, watched for stalls, unless the door is closed or another
  /// callback of this plugin runs; then it answers false.
  template <class Now>
  bool try_on_loop(stall_subject& subject, Now&& now) {
    const visit inside(*this);
    if (!inside || (!is_concurrent_ && !gate_.try_enter())) return false;
    {
      const stall_monitor::watch watch(env_.stalls, subject);
      now();
    }
    if (!is_concurrent_) gate_.leave();
    return true;
  }

  /// For a loop's thread. Runs `now` here, watched for stalls; or keeps what `later` returns, a job
  /// with copies of what it needs, if another callback of this plugin runs.
  template <class Now, class Later>
  outcome on_loop(stall_subject& subject, importance matters, Now&& now, Later&& later) {
    if (try_on_loop(subject, now)) return outcome::done;
    const visit inside(*this);
    if (!inside) return outcome::closed;
    job kept = [this, &subject, work = later()] {
      const rundown_guard for_job(door_, rundown_guard::adopt);
      const stall_monitor::watch watch(env_.stalls, subject);
      work();
    };
    door_.stay();  // for the job, which may outlast this visit
    rundown_guard for_job(door_, rundown_guard::adopt);
    if (!gate_.leave_job(std::move(kept), matters == importance::must_run)) return outcome::full;
    for_job.keep();
    return outcome::kept;
  }

  /// For a thread of a work queue: waits for its turn and runs `now` here.
  template <class Now>
  outcome on_queue(Now&& now) {
    const rundown_guard inside(door_);
    if (!inside) return outcome::closed;
    in_turn(now);
    return outcome::done;
  }

  /// For what is no call: on the plugin's own work queue if it has one, else as on_loop().
  template <class Now, class Later>
  outcome event(stall_subject& subject, importance matters, Now&& now, Later&& later) {
    if (own_queue_ == nullptr) {
      return on_loop(subject, matters, std::forward<Now>(now), std::forward<Later>(later));
    }
    rundown_guard inside(door_);
    if (!inside) return outcome::closed;
    if (!post(later(), matters)) return outcome::full;
    inside.keep();
    return outcome::kept;
  }

 private:
  // How often a loop is inside; written by that loop alone, so no locked additions.
  struct alignas(64) loop_visits {
    std::atomic<std::uint32_t> depth{0};

    [[gnu::always_inline]] void add(std::uint32_t n) noexcept {
      depth.store(depth.load(std::memory_order_relaxed) + n, std::memory_order_release);
    }
  };

  // Inside for a scope, if the door is open. That a loop has come out wait() knows for certain by
  // having it run something else.
  class visit {
   public:
    [[gnu::always_inline]] explicit visit(callback_runner& to) noexcept : to_(to) {
      const std::size_t loop = to.env_.loops.here();
      if (loop == to_.visits_.size()) [[unlikely]] {
        entered_ = to_.door_.enter();
        return;
      }
      of_loop_ = &to_.visits_[loop];
      of_loop_->add(1);
      entered_ = !to_.door_.is_closed();
    }
    [[gnu::always_inline]] ~visit() {
      if (of_loop_ != nullptr) {
        of_loop_->add(~std::uint32_t{0});
      } else if (entered_) {
        to_.door_.leave();
      }
    }
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;
    explicit operator bool() const noexcept { return entered_; }

   private:
    callback_runner& to_;
    loop_visits* of_loop_ = nullptr;  // null: by the door
    bool entered_ = false;
  };

  template <class Work>
  void in_turn(Work& work) {
    if (is_concurrent_) {
      work();
      return;
    }
    gate_.enter();
    work();
    gate_.leave();
  }

  void hand_over();
  bool post(job work, importance matters);
  void schedule();
  void drain();

  environment& env_;
  const bool is_concurrent_;
  vsoa::work_queue* const own_queue_;
  const std::size_t loop_;
  rundown door_{false};
  std::vector<loop_visits> visits_;
  serial_gate gate_;

  std::mutex mutex_;           // innermost
  std::deque<job> mailbox_;    // under mutex_: events for the work queue
  bool is_scheduled_ = false;  // under mutex_: drain() will run
};

}  // namespace vsoad
