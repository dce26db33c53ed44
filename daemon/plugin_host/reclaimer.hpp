// Replacing what event loops read, without a lock on their side: the new is put in place, and the
// old goes when nobody can be reading it any more.
//
// A loop reads what is published and keeps it no longer than it runs what it is running now. Other
// threads say that they are reading (`reclaimer::reader`). What must live longer is held by a
// shared_ptr of its own.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
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
  /// @param patience  for a loop that is kept by something, and again for other readers
  /// @return false: something is left, to be tried again
  bool collect(std::chrono::milliseconds patience);
  bool is_empty() const;

  /// Held by who reads: on a loop it does nothing. Not to be held while waiting for anything.
  class reader {
   public:
    explicit reader(const reclaimer& from) noexcept {
      if (from.loops_.here() != from.loops_.size()) return;
      inside_ = &from.inside_[from.phase_.load() % 2].count;
      inside_->fetch_add(1);
    }
    ~reader() {
      if (inside_ != nullptr) inside_->fetch_sub(1);
    }
    reader(const reader&) = delete;
    reader& operator=(const reader&) = delete;

   private:
    std::atomic<std::uint32_t>* inside_ = nullptr;
  };

 private:
  struct alignas(64) readers {
    std::atomic<std::uint32_t> count{0};
  };

  bool wait_for_readers(std::chrono::milliseconds patience);

  vsoa::runtime& loops_;
  // Readers that are no loops count themselves in at one of two doors. While one is waited for to
  // become empty, those who come go in by the other: so that is not for ever.
  std::atomic<std::uint32_t> phase_{0};
  mutable std::array<readers, 2> inside_;
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
  Value& read() const noexcept { return *now_.load(); }
  /// The one thread that replaces.
  const std::shared_ptr<Value>& owner() const noexcept { return owner_; }
  void replace(std::shared_ptr<Value> next, reclaimer& old) {
    now_.store(next.get());
    old.retire(std::exchange(owner_, std::move(next)));
  }

 private:
  std::shared_ptr<Value> owner_;
  std::atomic<Value*> now_;
};

}  // namespace vsoad
