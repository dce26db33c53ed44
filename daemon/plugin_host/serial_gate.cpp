#include "plugin_host/serial_gate.hpp"

#include <utility>

namespace vsoad {

bool serial_gate::try_enter() {
  const std::lock_guard lock(mutex_);
  if (taken_) return false;
  taken_ = true;
  return true;
}

void serial_gate::enter() {
  std::unique_lock lock(mutex_);
  ++queuing_;
  free_.wait(lock, [this] { return !taken_; });
  --queuing_;
  taken_ = true;
}

bool serial_gate::leave_job(job work, bool always) {
  {
    const std::lock_guard lock(mutex_);
    if (taken_) {
      if (!always && jobs_.size() >= limit_) return false;
      jobs_.push_back(std::move(work));
      return true;
    }
    taken_ = true;
  }
  work();
  leave();
  return true;
}

void serial_gate::leave() {
  for (std::size_t done = 0;; ++done) {
    job next;
    {
      const std::lock_guard lock(mutex_);
      if (jobs_.empty()) {
        taken_ = false;
        if (queuing_ > 0) free_.notify_one();
        return;
      }
      if (done < share) {
        next = std::move(jobs_.front());
        jobs_.pop_front();
      }
    }
    if (!next) {
      handover_();  // the gate stays taken until resume()
      return;
    }
    next();
  }
}

}  // namespace vsoad
