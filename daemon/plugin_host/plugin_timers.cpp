#include "plugin_host/plugin_timers.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

namespace vsoad {

class plugin_timers::board : public std::enable_shared_from_this<board> {
 public:
  board(environment& env, callback_runner& runner, std::size_t loop, stall_subject& subject,
        thrown on_thrown)
      : env_(env),
        runner_(runner),
        loop_(loop),
        subject_(subject),
        on_thrown_(std::move(on_thrown)) {}

  vsoa_timer start(std::chrono::milliseconds delay, std::chrono::milliseconds interval,
                   function call, void* argument);
  bool stop(vsoa_timer timer);
  void open();
  void close();
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return timers_.size();
  }

 private:
  struct entry {
    vsoa_timer id = 0;
    std::chrono::milliseconds delay{}, interval{};
    function call = nullptr;
    void* argument = nullptr;
    vsoa::runtime::timer_id running = 0;  // under mutex_; 0: not yet begun
    std::atomic<bool> is_cancelled{false};
    std::atomic<bool> is_waiting{false};  // fired, and its run kept for later
  };

  void begin(const std::shared_ptr<entry>& timer);  // under mutex_
  void fire(const std::shared_ptr<entry>& timer);
  void run(entry& timer);

  environment& env_;
  callback_runner& runner_;
  const std::size_t loop_;
  stall_subject& subject_;
  const thrown on_thrown_;
  mutable std::mutex mutex_;  // may be held while the runtime's and the runner's are taken
  enum class phase { starting, open, closed } phase_ = phase::starting;  // under mutex_
  vsoa_timer last_ = 0;                                                  // under mutex_
  std::map<vsoa_timer, std::shared_ptr<entry>> timers_;                  // under mutex_
};

vsoa_timer plugin_timers::board::start(std::chrono::milliseconds delay,
                                       std::chrono::milliseconds interval, function call,
                                       void* argument) {
  auto fresh = std::make_shared<entry>();
  fresh->delay = delay;
  fresh->interval = interval;
  fresh->call = call;
  fresh->argument = argument;
  const std::lock_guard lock(mutex_);
  if (phase_ == phase::closed || timers_.size() >= max_timers) return 0;
  fresh->id = ++last_;
  timers_.emplace(fresh->id, fresh);
  if (phase_ == phase::open) begin(fresh);
  return fresh->id;
}

void plugin_timers::board::begin(const std::shared_ptr<entry>& timer) {
  timer->running =
      env_.loops.start_timer(loop_, timer->delay, timer->interval,
                             [self = shared_from_this(), timer] { self->fire(timer); });
}

bool plugin_timers::board::stop(vsoa_timer timer) {
  const std::lock_guard lock(mutex_);
  const auto found = timers_.find(timer);
  if (found == timers_.end()) return false;
  found->second->is_cancelled = true;
  if (found->second->running != 0) env_.loops.stop_timer(found->second->running);
  timers_.erase(found);
  return true;
}

void plugin_timers::board::open() {
  const std::lock_guard lock(mutex_);
  phase_ = phase::open;
  for (const auto& [id, timer] : timers_)
    begin(timer);
}

void plugin_timers::board::close() {
  const std::lock_guard lock(mutex_);
  phase_ = phase::closed;
  for (const auto& [id, timer] : timers_) {
    timer->is_cancelled = true;
    if (timer->running != 0) env_.loops.stop_timer(timer->running);
  }
  timers_.clear();
}

void plugin_timers::board::fire(const std::shared_ptr<entry>& timer) {
  // The plugin, and the runner with it, may be gone when a task of the runtime comes late. So the
  // runner is entered under the lock, after a look at the phase; close() takes the same lock.
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != phase::open || timer->is_cancelled) return;
    // An interval shorter than the time that a run waits for its turn does not pile up.
    if (timer->is_waiting.exchange(true)) return;
    if (!runner_.hold()) return;
  }
  runner_.event(
      subject_, callback_runner::importance::must_run, [&] { run(*timer); },
      [&] { return [self = shared_from_this(), timer] { self->run(*timer); }; });
  runner_.release();
}

void plugin_timers::board::run(entry& timer) {
  timer.is_waiting = false;
  if (timer.is_cancelled) return;
  if (timer.interval.count() == 0) {
    const std::lock_guard lock(mutex_);
    timers_.erase(timer.id);
  }
  try {
    timer.call(timer.argument);
  } catch (...) {
    on_thrown_();
  }
}

plugin_timers::plugin_timers(environment& env, callback_runner& runner, std::size_t loop,
                             stall_subject& subject, thrown on_thrown)
    : board_(std::make_shared<board>(env, runner, loop, subject, std::move(on_thrown))) {}
plugin_timers::~plugin_timers() {
  board_->close();
}

vsoa_timer plugin_timers::start(std::chrono::milliseconds delay, std::chrono::milliseconds interval,
                                function call, void* argument) {
  return board_->start(delay, interval, call, argument);
}
bool plugin_timers::stop(vsoa_timer timer) {
  return board_->stop(timer);
}
void plugin_timers::open() {
  board_->open();
}
void plugin_timers::close() {
  board_->close();
}
std::size_t plugin_timers::count() const {
  return board_->count();
}

}  // namespace vsoad
