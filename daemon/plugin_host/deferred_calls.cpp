#include "plugin_host/deferred_calls.hpp"

#include <mutex>
#include <unordered_map>
#include <utility>

namespace vsoad {

struct deferred_calls::board {
  struct entry {
    vsoa::deferred_call call;
    vsoa::runtime::timer_id timer = 0;  // 0: none
  };

  vsoa::runtime& loops;
  const std::size_t loop;
  mutable std::mutex mutex;                         // may be held while the runtime's are taken
  std::unordered_map<std::uintptr_t, entry> calls;  // under mutex
  std::uintptr_t last = 0;                          // under mutex
  std::uint64_t timeouts = 0;                       // under mutex
  bool closed = false;                              // under mutex

  board(vsoa::runtime& runtime, std::size_t index) : loops(runtime), loop(index) {}

  std::optional<entry> take(std::uintptr_t token) {
    const std::lock_guard lock(mutex);
    const auto found = calls.find(token);
    if (found == calls.end()) return {};
    std::optional<entry> taken(std::move(found->second));
    calls.erase(found);
    return taken;
  }
  // The call answers NO_RESPONDING as it goes.
  void expire(std::uintptr_t token) {
    if (!take(token)) return;
    const std::lock_guard lock(mutex);
    ++timeouts;
  }
};

deferred_calls::deferred_calls(vsoa::runtime& loops, std::size_t loop)
    : board_(std::make_shared<board>(loops, loop)) {}

vsoa_call* deferred_calls::add(vsoa::deferred_call call, std::chrono::milliseconds timeout) {
  board& b = *board_;
  const std::lock_guard lock(b.mutex);
  if (b.closed) return nullptr;  // `call` answers NO_RESPONDING as it goes
  do {
    b.last += 2;
  } while (b.calls.count(b.last | 1U) != 0);  // with 32 bits the numbers come round
  const std::uintptr_t token = b.last | 1U;
  board::entry& kept = b.calls.emplace(token, board::entry{std::move(call)}).first->second;
  if (timeout.count() > 0) {
    const std::size_t here = b.loops.here();
    kept.timer = b.loops.start_timer(here == b.loops.size() ? b.loop : here, timeout, {},
                                     [weak = std::weak_ptr(board_), token] {
                                       if (const auto still = weak.lock()) still->expire(token);
                                     });
  }
  // Never dereferenced: an opaque number in the ABI's pointer type.
  return reinterpret_cast<vsoa_call*>(token);  // NOLINT(performance-no-int-to-ptr)
}

std::optional<vsoa::deferred_call> deferred_calls::take(const vsoa_call* token) {
  auto taken = board_->take(reinterpret_cast<std::uintptr_t>(token));
  if (!taken) return {};
  if (taken->timer != 0) board_->loops.stop_timer(taken->timer);
  return std::move(taken->call);
}

bool deferred_calls::knows(const vsoa_call* token) const {
  const std::lock_guard lock(board_->mutex);
  return board_->calls.contains(reinterpret_cast<std::uintptr_t>(token));
}

std::size_t deferred_calls::close() {
  std::unordered_map<std::uintptr_t, board::entry> left;
  {
    const std::lock_guard lock(board_->mutex);
    board_->closed = true;
    left.swap(board_->calls);
  }
  return left.size();
}

std::size_t deferred_calls::count() const {
  const std::lock_guard lock(board_->mutex);
  return board_->calls.size();
}

std::uint64_t deferred_calls::timeouts() const {
  const std::lock_guard lock(board_->mutex);
  return board_->timeouts;
}

}  // namespace vsoad
