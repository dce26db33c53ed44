#include "vsoa/timer.hpp"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

namespace vsoa {

using std::chrono::milliseconds;

// What the runtime's timers hold: they know the start that they belong to, and do nothing when
// there has been another since.
struct VSOA_HIDDEN timer::state {
  state(runtime& where, std::size_t index) : loops(where), loop(index) {}

  static bool start(const std::shared_ptr<state>& self, milliseconds timeout,
                    std::shared_ptr<const std::function<void()>> work, milliseconds period);
  void stop();
  void close();
  void fire(std::uint64_t of_start);

  runtime& loops;
  const std::size_t loop;

  mutable std::mutex mutex;
  std::condition_variable ended;
  // All guarded by mutex.
  std::uint64_t starts = 0;  // and stops
  runtime::timer_id id = 0;
  std::shared_ptr<const std::function<void()>> callback;  // null: not started
  bool repeats = false;
  bool closed = false;
  std::thread::id running;  // the thread that is inside the callback
};

bool timer::state::start(const std::shared_ptr<state>& self, milliseconds timeout,
                         std::shared_ptr<const std::function<void()>> work, milliseconds period) {
  // Swapped out and destroyed without the lock: what a callback has captured may use the timer.
  const std::lock_guard lock(self->mutex);
  if (self->closed) return false;
  const std::uint64_t number = ++self->starts;
  self->loops.stop_timer(std::exchange(self->id, 0));
  self->callback.swap(work);
  self->repeats = period.count() > 0;
  self->id =
      self->loops.start_timer(self->loop, timeout, period, [self, number] { self->fire(number); });
  return true;
}

void timer::state::stop() {
  std::shared_ptr<const std::function<void()>> gone;
  const std::lock_guard lock(mutex);
  ++starts;
  loops.stop_timer(std::exchange(id, 0));
  callback.swap(gone);
}

void timer::state::close() {
  {
    const std::lock_guard lock(mutex);
    closed = true;  // to a callback under way that would start it again
  }
  stop();
  std::unique_lock lock(mutex);
  if (running == std::this_thread::get_id()) return;
  ended.wait(lock, [this] { return running == std::thread::id(); });
}

void timer::state::fire(std::uint64_t of_start) {
  std::shared_ptr<const std::function<void()>> due;
  {
    const std::lock_guard lock(mutex);
    if (of_start != starts) return;
    if (repeats) {
      due = callback;
    } else {
      due.swap(callback);
      id = 0;
    }
    running = std::this_thread::get_id();
  }
  struct leaving {
    state& of;
    ~leaving() {
      {
        const std::lock_guard lock(of.mutex);
        of.running = {};
      }
      of.ended.notify_all();
    }
  } const at_the_end{*this};
  const auto work = std::move(due);  // goes, with what it has captured, while it counts as running
  (*work)();
}

timer::timer(runtime& loops, std::size_t loop) : state_(std::make_shared<state>(loops, loop)) {}

timer::~timer() {
  state_->close();
}

bool timer::start(milliseconds timeout, std::function<void()> callback, milliseconds interval) {
  if (timeout.count() < 1 || interval.count() < 0 || !callback) return false;
  return state::start(state_, timeout,
                      std::make_shared<const std::function<void()>>(std::move(callback)), interval);
}

void timer::stop() {
  state_->stop();
}

bool timer::is_started() const {
  const std::lock_guard lock(state_->mutex);
  return state_->callback != nullptr;
}

}  // namespace vsoa
