// Counts who is inside, so that one who wants to close can wait for the last to leave. Entering is
// one increment on a cache line that threads rarely share.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace vsoad {

class rundown {
 public:
  explicit rundown(bool open = true) noexcept : closed_(!open) {}

  /// False once closed: do not go in, do not leave.
  bool enter() noexcept {
    auto& mine = shard();
    mine.inside.fetch_add(1, std::memory_order_seq_cst);
    // Both this load and close()'s store are sequentially consistent: either this sees the door
    // closed, or close() sees the increment.
    if (!closed_.load(std::memory_order_seq_cst)) return true;
    mine.inside.fetch_sub(1, std::memory_order_release);
    return false;
  }

  /// By one who is inside: one more leave() is due. Succeeds even when closed.
  void stay() noexcept { shard().inside.fetch_add(1, std::memory_order_seq_cst); }

  /// By any thread, for one successful enter(), or stay().
  void leave() noexcept { shard().inside.fetch_sub(1, std::memory_order_release); }

  void open() noexcept { closed_.store(false, std::memory_order_seq_cst); }
  void close() noexcept { closed_.store(true, std::memory_order_seq_cst); }
  bool is_closed() const noexcept { return closed_.load(std::memory_order_acquire); }
  /// Nobody is inside, at this moment.
  bool is_empty() const noexcept { return inside() == 0; }
  /// After close(): waits until all have left. False when they have not within `patience`.
  bool wait(std::chrono::milliseconds patience) const;

 private:
  // A thread may leave through another's shard, when work is handed on: only the sum has a meaning.
  struct alignas(64) counter {
    std::atomic<std::int64_t> inside{0};
  };

  counter& shard() noexcept { return shards_[thread_number() % shards_.size()]; }
  static std::size_t thread_number() noexcept;
  std::int64_t inside() const noexcept;

  std::array<counter, 16> shards_;
  std::atomic<bool> closed_;
};

/// Inside for a scope, if the door was open.
class rundown_guard {
 public:
  struct adopt_t {};
  static constexpr adopt_t adopt{};

  explicit rundown_guard(rundown& door) noexcept : door_(door.enter() ? &door : nullptr) {}
  /// For who is inside already, by an enter() or stay() whose leave() is due.
  rundown_guard(rundown& door, adopt_t) noexcept : door_(&door) {}
  ~rundown_guard() {
    if (door_ != nullptr) door_->leave();
  }
  rundown_guard(const rundown_guard&) = delete;
  rundown_guard& operator=(const rundown_guard&) = delete;

  explicit operator bool() const noexcept { return door_ != nullptr; }
  /// Stays inside after the scope: whoever takes over leaves.
  void keep() noexcept { door_ = nullptr; }

 private:
  rundown* door_;
};

}  // namespace vsoad
