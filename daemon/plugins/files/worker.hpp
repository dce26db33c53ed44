// The thread that does what may wait for a disk, so that no event loop does. Jobs that take long
// do a part at a time, and the others have their turn in between.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace files {

/// Something that is worked on in parts.
class task {
 public:
  virtual ~task() = default;
  /// A part of it. True: there is more, now. Must not throw.
  virtual bool step() = 0;

 private:
  friend class worker;
  std::atomic<bool> is_queued_{false};
};

class worker {
 public:
  /// Jobs that may wait; those of tasks are as many as the tasks.
  static constexpr std::size_t max_jobs = 1024;

  worker();
  ~worker();  ///< stops
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;

  /// Runs `job` once, soon. It must not throw. False: too many wait.
  bool add(std::function<void()> job);
  /// Has the task step, soon, unless it is about to anyway.
  void wake(const std::shared_ptr<task>& t);
  /// Drops what waits, and joins the thread.
  void stop();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<std::function<void()>> jobs_;   // under mutex_
  std::deque<std::shared_ptr<task>> tasks_;  // under mutex_
  bool is_stopping_ = false;                 // under mutex_
  std::thread thread_;
};

}  // namespace files
