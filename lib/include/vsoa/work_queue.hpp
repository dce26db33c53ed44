// A bounded queue of jobs with its own threads, for work too slow for an event loop.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace vsoa {

class work_queue {
 public:
  using job = std::function<void()>;

  /// @param threads  1..256; with one thread, jobs run in the order of add()
  /// @param limit    jobs waiting at most, 1 or more; running ones do not count
  /// Throws std::invalid_argument for other values.
  explicit work_queue(std::size_t threads = 1, std::size_t limit = 1024);
  ~work_queue();  ///< drains: jobs already added are run, then the threads end
  work_queue(const work_queue&) = delete;
  work_queue& operator=(const work_queue&) = delete;

  /// Queues a job. False, and the job is dropped, when `limit` jobs wait, the queue is closing, or
  /// the function is empty.
  /// An exception that leaves a job is swallowed and counted. Any thread, never blocks.
  [[nodiscard]] bool add(job work);

  std::size_t waiting() const;  ///< jobs queued and not yet running. Any thread.
  std::size_t failed() const;   ///< jobs that ended with an exception. Any thread.

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace vsoa
