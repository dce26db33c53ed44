#include "vsoa/work_queue.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace vsoa {

namespace {

constexpr std::size_t max_threads = 256;

void check(std::size_t threads, std::size_t limit) {
  if (threads < 1 || threads > max_threads) {
    throw std::invalid_argument("work_queue: threads must be 1..256");
  }
  if (limit < 1) throw std::invalid_argument("work_queue: limit must be at least 1");
}

}  // namespace

struct VSOA_HIDDEN work_queue::state {
  state() = default;
  ~state() { close(); }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  void resize(std::size_t threads, std::size_t limit) {
    std::vector<std::thread> ended;
    {
      const std::lock_guard lock(mutex_);
      limit_ = limit;
      wanted_ = threads;
      ended.swap(ended_);
    }
    for (auto& each : ended)
      each.join();
    for (;;) {
      const std::lock_guard lock(mutex_);
      if (running_ >= wanted_) break;
      threads_.emplace_back([this] { run(); });
      ++running_;
    }
    wake_.notify_all();
  }

  bool add(job work) {
    {
      const std::lock_guard lock(mutex_);
      if (!has_room()) return false;
      jobs_.push_back({std::move(work), names_.end()});
    }
    wake_.notify_one();
    return true;
  }

  bool add_named(std::string name, job work, bool unless_queued) {
    {
      const std::lock_guard lock(mutex_);
      if (!has_room() || (unless_queued && names_.contains(name))) return false;
      const auto named = names_.emplace(std::move(name), first_ + jobs_.size());
      jobs_.push_back({std::move(work), named});
    }
    wake_.notify_one();
    return true;
  }

  std::size_t remove(std::string_view name) {
    std::vector<job> gone;  // destroyed without the lock: what they have captured may use the queue
    const std::lock_guard lock(mutex_);
    const auto [first, last] = names_.equal_range(name);
    for (auto each = first; each != last; ++each)
      gone.push_back(std::exchange(jobs_[each->second - first_].work, {}));
    names_.erase(first, last);
    removed_ += gone.size();
    drop_removed_front();
    if (removed_ > jobs_.size() / 2) close_ranks();
    return gone.size();
  }

  void run() {
    pthread_setname_np(pthread_self(), "vsoa-work");
    for (;;) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return closing_ || !jobs_.empty() || running_ > wanted_; });
      if (running_ > wanted_ && !closing_) return leave();
      if (jobs_.empty()) return;
      entry& next = jobs_.front();
      job work = std::move(next.work);
      if (next.name != names_.end()) names_.erase(next.name);
      pop_front();
      if (removed_ != 0) drop_removed_front();
      lock.unlock();
      run_one(work);
      // What the job captured goes here: before the next one, and not under the lock.
    }
  }

  // Under mutex_: this thread is one too many. Whoever resizes or closes next joins it.
  void leave() {
    --running_;
    const auto self = std::find_if(threads_.begin(), threads_.end(), [](const std::thread& t) {
      return t.get_id() == std::this_thread::get_id();
    });
    ended_.push_back(std::move(*self));
    threads_.erase(self);
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
    for (auto* all : {&threads_, &ended_}) {
      for (auto& thread : *all)
        thread.join();
      all->clear();
    }
  }

  // Jobs are numbered in the order of their coming.
  using names = std::multimap<std::string, std::uint64_t, std::less<>>;
  struct entry {
    job work;              // empty: removed
    names::iterator name;  // names_.end(): it has none
  };

  // These, under mutex_.
  std::size_t waiting() const { return jobs_.size() - removed_; }
  bool has_room() const { return !closing_ && waiting() < limit_; }
  void pop_front() {
    jobs_.pop_front();
    ++first_;
  }
  void drop_removed_front() {
    while (!jobs_.empty() && !jobs_.front().work) {
      pop_front();
      --removed_;
    }
  }
  void close_ranks() {
    std::deque<entry> left;
    for (entry& each : jobs_) {
      if (!each.work) continue;
      if (each.name != names_.end()) each.name->second = first_ + left.size();
      left.push_back(std::move(each));
    }
    jobs_.swap(left);
    removed_ = 0;
  }

  std::atomic<std::size_t> failed_{0};
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // Guarded by mutex_. The first job is none that was removed, and no more than half of all are.
  std::deque<entry> jobs_;
  std::uint64_t first_ = 0;  // number of jobs_.front()
  std::size_t removed_ = 0;  // of jobs_
  names names_;              // the numbers of those that have one
  bool closing_ = false;
  std::size_t limit_ = 0;
  std::size_t wanted_ = 0;   // threads
  std::size_t running_ = 0;  // threads that have not left
  std::vector<std::thread> threads_;
  std::vector<std::thread> ended_;  // have left, and are to be joined
};

work_queue::work_queue(std::size_t threads, std::size_t limit) {
  check(threads, limit);
  state_ = std::make_unique<state>();
  // When a thread can't be started, ~state ends those that could.
  state_->resize(threads, limit);
}

work_queue::~work_queue() = default;

void work_queue::resize(std::size_t threads, std::size_t limit) {
  check(threads, limit);
  state_->resize(threads, limit);
}

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
  return state_->waiting();
}

std::size_t work_queue::failed() const {
  return state_->failed_.load(std::memory_order_relaxed);
}

}  // namespace vsoa
