#include "plugin_host/callback_runner.hpp"

#include <algorithm>
#include <chrono>

namespace vsoad {

callback_runner::callback_runner(environment& env, bool is_concurrent, vsoa::work_queue* own,
                                 std::size_t loop)
    : env_(env),
      is_concurrent_(is_concurrent),
      own_queue_(own),
      loop_(loop),
      visits_(env.loops.size()),
      gate_(max_waiting, [this] { hand_over(); }) {}

bool callback_runner::wait(std::chrono::milliseconds patience) const {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  // Loops first: what they are in may leave jobs behind, which are counted.
  if (!env_.loops.quiesce(patience)) {
    // Somebody keeps a loop. Who is not inside there has been out since the door was closed.
    const auto is_inside = [](const loop_visits& v) {
      return v.depth.load(std::memory_order_acquire) != 0;
    };
    if (std::any_of(visits_.begin(), visits_.end(), is_inside)) return false;
  }
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return door_.wait(std::max(left, std::chrono::milliseconds(0)));
}

bool callback_runner::is_empty() const noexcept {
  return door_.is_empty() && std::none_of(visits_.begin(), visits_.end(), [](const auto& v) {
           return v.depth.load(std::memory_order_acquire) != 0;
         });
}

void callback_runner::hand_over() {
  door_.stay();  // until the gate is no longer touched
  env_.loops.post(loop_, [this] {
    gate_.resume();
    door_.leave();
  });
}

bool callback_runner::post(job work, importance matters) {
  {
    const std::lock_guard lock(mutex_);
    if (matters == importance::may_drop && mailbox_.size() >= max_waiting) return false;
    mailbox_.push_back(std::move(work));
    if (is_scheduled_) return true;
    is_scheduled_ = true;
  }
  schedule();
  return true;
}

void callback_runner::schedule() {
  if (own_queue_->add([this] { drain(); })) return;
  // Full of calls, which may be refused; events may not. Tried again soon.
  env_.loops.start_timer(loop_, std::chrono::milliseconds(10), std::chrono::milliseconds(0),
                         [this] { schedule(); });
}

void callback_runner::drain() {
  for (bool more = true; more;) {
    job work;
    {
      const std::lock_guard lock(mutex_);
      work = std::move(mailbox_.front());
      mailbox_.pop_front();
    }
    in_turn(work);
    work = nullptr;
    {
      const std::lock_guard lock(mutex_);
      more = !mailbox_.empty();
      is_scheduled_ = more;
    }
    door_.leave();  // last: unless there is more, nothing keeps this object now
  }
}

}  // namespace vsoad
