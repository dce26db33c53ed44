// Names the handler that keeps an event loop, while it still keeps it. Each thread that runs
// handlers has a slot in which it notes what it begins and that it has ended: a few plain stores,
// no clock. One thread looks at all slots a few times per threshold and knows how long each has
// shown the same. When nothing has run for a while it dozes, so that an idle daemon lets its
// machine sleep; the next handler wakes it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "plugin_host/reclaimer.hpp"
#include "vsoa/log.hpp"

namespace vsoad {

/// Something that may stall. Lives until the monitor has stopped, or is retired by its reclaimer.
struct stall_subject {
  std::string name;                      ///< for the log: "plugin echo, command /echo"
  std::atomic<std::uint64_t> stalls{0};  ///< how often it has
};

class stall_monitor {
 private:
  /// Written by one thread. `turn` is odd while something runs; it changes at every begin and end.
  struct alignas(64) slot {
    std::atomic<stall_subject*> subject{nullptr};
    std::atomic<std::uint64_t> turn{0};

    [[gnu::always_inline]] void next_turn() noexcept {
      turn.store(turn.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    }
  };

 public:
  /// @param threshold  what counts as a stall; zero: nothing is watched and no thread is made. It
  /// is
  ///                   noticed within half as long again
  /// @param old  by which subjects are let go of; null: they live until stop()
  /// @param doze_after  without work for so long, it looks once a second until a handler begins.
  ///                    One that begins just as it falls asleep is noticed up to a second later
  stall_monitor(std::chrono::milliseconds threshold, vsoa::log_sink log,
                const reclaimer* old = nullptr,
                std::chrono::milliseconds doze_after = std::chrono::seconds(5));
  ~stall_monitor();
  stall_monitor(const stall_monitor&) = delete;
  stall_monitor& operator=(const stall_monitor&) = delete;

  std::chrono::milliseconds threshold() const noexcept { return threshold_; }
  bool is_dozing() const noexcept { return dozing_.load(std::memory_order_relaxed); }
  /// Ends the watching; subjects may go then. Idempotent.
  void stop();

  /// One for each scope in which a handler runs. Not nested.
  class watch {
   public:
    [[gnu::always_inline]] watch(stall_monitor& monitor, stall_subject& subject) noexcept
        : slot_(monitor.own_slot()) {
      if (slot_ == nullptr) return;
      slot_->subject.store(&subject, std::memory_order_relaxed);
      slot_->next_turn();
      // May miss that it has just fallen asleep: it looks after a second anyhow.
      if (monitor.is_dozing()) [[unlikely]]
        monitor.wake();
    }
    [[gnu::always_inline]] ~watch() {
      if (slot_ != nullptr) slot_->next_turn();
    }
    watch(const watch&) = delete;
    watch& operator=(const watch&) = delete;

   private:
    slot* const slot_;
  };

 private:
  struct observation;
  /// What is looked at each time has no destructor, so that the look costs no check of a guard.
  struct shortcut {
    std::uint64_t monitor;
    slot* own;
  };

  /// The slot of this thread; null: it is not watched.
  slot* own_slot() noexcept { return current_.monitor == id_ ? current_.own : make_own_slot(); }
  [[gnu::cold]] slot* make_own_slot() noexcept;
  [[gnu::cold]] void wake() noexcept;
  void run();
  bool look_at_all(std::vector<observation>& seen, std::chrono::steady_clock::time_point now) const;
  bool look(observation& seen, std::chrono::steady_clock::time_point now) const;

  static inline constinit thread_local shortcut current_{};

  const std::chrono::milliseconds threshold_;
  const vsoa::log_sink log_;
  const reclaimer* const old_;
  const std::chrono::milliseconds doze_after_;
  const std::uint64_t id_;  // a monitor made where another was must not find that one's slots

  std::atomic<bool> dozing_{false};  // written under mutex_

  std::mutex mutex_;
  std::condition_variable changed_;           // end_, or dozing_ to false
  bool end_ = false;                          // under mutex_
  std::vector<std::shared_ptr<slot>> slots_;  // under mutex_
  std::thread thread_;
};

}  // namespace vsoad
