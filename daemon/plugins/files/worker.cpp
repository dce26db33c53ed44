#include "worker.hpp"

#include <utility>

namespace files {

worker::worker() : thread_([this] { run(); }) {}

worker::~worker() {
  stop();
}

bool worker::add(std::function<void()> job) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (is_stopping_ || jobs_.size() >= max_jobs) return false;
  jobs_.push_back(std::move(job));
  wanted_.notify_one();
  return true;
}

void worker::wake(const std::shared_ptr<task>& t) {
  if (t->is_queued_.exchange(true)) return;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (is_stopping_) return;
  tasks_.push_back(t);
  wanted_.notify_one();
}

void worker::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_stopping_ = true;
    wanted_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
  jobs_.clear();
  tasks_.clear();
}

void worker::run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [this] { return is_stopping_ || !jobs_.empty() || !tasks_.empty(); });
    if (is_stopping_) return;
    std::function<void()> job;
    std::shared_ptr<task> t;
    if (!jobs_.empty()) {
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    if (!tasks_.empty()) {
      t = std::move(tasks_.front());
      tasks_.pop_front();
    }
    lock.unlock();
    if (job) job();
    job = nullptr;
    if (t) {
      t->is_queued_ = false;  // before: what happens during the step is seen, now or by the next
      if (t->step()) wake(t);
      t.reset();
    }
    lock.lock();
  }
}

}  // namespace files
