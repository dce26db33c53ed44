// Replacing what event loops read, without a lock on their side: the new is put in place, and the
// old goes when nobody can be reading it any more.
//
// A loop reads what is published and keeps it no longer than it runs what it is running now. Other
// threads say that they are reading (`reclaimer::reader`). What must live longer is held by a
// shared_ptr of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "vsoa/runtime.hpp"

namespace vsoad {

class reclaimer {
 public:
  /// @param loops  outlives this object
  explicit reclaimer(vsoa::runtime& loops) noexcept : loops_(loops) {}
  ~reclaimer();  ///< by then nobody reads any more
  reclaimer(const reclaimer&) = delete;
  reclaimer& operator=(const reclaimer&) = delete;

  /// Keeps what has just been replaced until collect() finds that it can go. Any thread.
  void retire(std::shared_ptr<const void> old);
  /// Frees what was retired before. On a thread that is no loop, and reads nothing.
  /// @param patience  for a loop that is kept by something
  /// @return false: something is left, to be tried again
  bool collect(std::chrono::milliseconds patience);
  bool is_empty() const;

  /// Held by who reads: on a loop it does nothing. Not to be held while waiting for anything.
  class reader {
   public:
    explicit reader(const reclaimer& from) {
      if (from.loops_.here() == from.loops_.size()) lock_.emplace(from.outside_);
    }

   private:
    std::optional<std::shared_lock<std::shared_mutex>> lock_;
  };

 private:
  vsoa::runtime& loops_;
  mutable std::shared_mutex outside_;  // held, shared, by readers that are no loops
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<const void>> retired_;  // under mutex_
};

/// A value that loops read and one thread replaces.
template <class Value>
class published {
 public:
  explicit published(std::shared_ptr<Value> first) noexcept
      : owner_(std::move(first)), now_(owner_.get()) {}
  published(const published&) = delete;
  published& operator=(const published&) = delete;

  /// See the head of this file.
  Value& read() const noexcept { return *now_.load(std::memory_order_acquire); }
  /// The one thread that replaces.
  const std::shared_ptr<Value>& owner() const noexcept { return owner_; }
  void replace(std::shared_ptr<Value> next, reclaimer& old) {
    now_.store(next.get(), std::memory_order_release);
    old.retire(std::exchange(owner_, std::move(next)));
  }

 private:
  std::shared_ptr<Value> owner_;
  std::atomic<Value*> now_;
};

}  // namespace vsoad
