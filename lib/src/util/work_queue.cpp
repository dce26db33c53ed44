#include "vsoa/work_queue.hpp"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace vsoa {

namespace {

constexpr std::size_t max_threads = 256;

}  // namespace

struct work_queue::state {
  explicit state(std::size_t limit) : limit_(limit) {}
  ~state() { close(); }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  void start(std::size_t threads) {
    threads_.reserve(threads);
    for (std::size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { run(); });
    }
  }

  bool add(job work) {
    {
      const std::lock_guard lock(mutex_);
      if (closing_ || jobs_.size() >= limit_) return false;
      jobs_.push_back(std::move(work));
    }
    wake_.notify_one();
    return true;
  }

  void run() {
    pthread_setname_np(pthread_self(), "vsoa-work");
    for (;;) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job work = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      run_one(work);
      // What the job captured goes here: before the next one, and not under the lock.
    }
  }

  void run_one(const job& work) {
    try {
      work();
    } catch (...) {
      failed_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  void close() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake_.notify_all();
    for (auto& thread : threads_) {
      thread.join();
    }
    threads_.clear();
  }

  const std::size_t limit_;
  std::atomic<std::size_t> failed_{0};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<job> jobs_;  // guarded by mutex_
  bool closing_ = false;  // guarded by mutex_
  std::vector<std::thread> threads_;
};

work_queue::work_queue(std::size_t threads, std::size_t limit) {
  if (threads < 1 || threads > max_threads) {
    throw std::invalid_argument("work_queue: threads must be 1..256");
  }
  if (limit < 1) throw std::invalid_argument("work_queue: limit must be at least 1");
  state_ = std::make_unique<state>(limit);
  // When a thread can't be started, ~state ends those that could.
  state_->start(threads);
}

work_queue::~work_queue() = default;

bool work_queue::add(job work) {
  // An empty function can't be run: refused here rather than counted as a failure later.
  if (!work) return false;
  return state_->add(std::move(work));
}

std::size_t work_queue::waiting() const {
  const std::lock_guard lock(state_->mutex_);
  return state_->jobs_.size();
}

std::size_t work_queue::failed() const {
  return state_->failed_.load(std::memory_order_relaxed);
}

}  // namespace vsoa
