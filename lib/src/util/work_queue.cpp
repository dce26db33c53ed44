#include "vsoa/work_queue.hpp"

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <optional>
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

  // A job is a node that passes from list to list, so that it is made and freed without the lock.
  bool add(job work) {
    std::list<entry> one;
    one.push_back({std::move(work), {}});
    {
      const std::lock_guard lock(mutex_);
      if (!has_room()) return false;
      jobs_.splice(jobs_.end(), one);
    }
    wake_.notify_one();
    return true;
  }

  bool add_named(std::string name, job work, bool unless_queued) {
    std::list<entry> one;
    one.push_back({std::move(work), {}});
    {
      const std::lock_guard lock(mutex_);
      if (!has_room() || (unless_queued && names_.contains(name))) return false;
      one.front().name = names_.emplace(std::move(name), one.begin());
      jobs_.splice(jobs_.end(), one);
    }
    wake_.notify_one();
    return true;
  }

  std::size_t remove(std::string_view name) {
    std::list<entry> gone;
    const std::lock_guard lock(mutex_);
    const auto [first, last] = names_.equal_range(name);
    for (auto each = first; each != last; ++each)
      gone.splice(gone.end(), jobs_, each->second);
    names_.erase(first, last);
    return gone.size();
  }

  void run() {
    pthread_setname_np(pthread_self(), "vsoa-work");
    for (;;) {
      std::list<entry> one;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        if (const auto& name = jobs_.front().name) names_.erase(*name);
        one.splice(one.end(), jobs_, jobs_.begin());
      }
      run_one(one.front().work);
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

  struct entry;
  using names = std::multimap<std::string, std::list<entry>::iterator, std::less<>>;
  struct entry {
    job work;
    std::optional<names::iterator> name;
  };

  bool has_room() const { return !closing_ && jobs_.size() < limit_; }  // under mutex_

  const std::size_t limit_;
  std::atomic<std::size_t> failed_{0};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::list<entry> jobs_;  // guarded by mutex_
  names names_;            // guarded by mutex_; of jobs_ those that have one
  bool closing_ = false;   // guarded by mutex_
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

bool work_queue::add(std::string name, job work) {
  return work && state_->add_named(std::move(name), std::move(work), false);
}

bool work_queue::add_if_not_queued(std::string name, job work) {
  return work && state_->add_named(std::move(name), std::move(work), true);
}

std::size_t work_queue::remove(std::string_view name) {
  return state_->remove(name);
}

bool work_queue::is_queued(std::string_view name) const {
  const std::lock_guard lock(state_->mutex_);
  return state_->names_.contains(name);
}

std::size_t work_queue::waiting() const {
  const std::lock_guard lock(state_->mutex_);
  return state_->jobs_.size();
}

std::size_t work_queue::failed() const {
  return state_->failed_.load(std::memory_order_relaxed);
}

}  // namespace vsoa
