// A bounded queue of jobs with its own threads, for work too slow for an event loop.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "vsoa/export.hpp"

namespace vsoa {

/// All members may be called from any thread, jobs included, and never wait for a job.
class VSOA_API work_queue {
 public:
  /// What runs, once.
  using job = std::function<void()>;

  /// @param threads  1..256; with one thread, jobs run in the order of add()
  /// @param limit    jobs waiting at most, 1 or more; running ones do not count
  /// Throws std::invalid_argument for other values.
  explicit work_queue(std::size_t threads = 1, std::size_t limit = 1024);
  ~work_queue();  ///< drains: jobs already added are run, then the threads end. Not from a job.
  work_queue(const work_queue&) = delete;
  work_queue& operator=(const work_queue&) = delete;

  /// Queues a job. False, and the job is dropped, when `limit` jobs wait, the queue is closing, or
  /// the function is empty.
  /// An exception that leaves a job is swallowed and counted.
  [[nodiscard]] bool add(job work);
  /// The same under a name, by which it can be found while it waits. Several jobs may have one
  /// name.
  [[nodiscard]] bool add(std::string name, job work);
  /// The same, unless a job of this name waits already: then false. One that runs does not count.
  [[nodiscard]] bool add_if_not_queued(std::string name, job work);

  /// Other numbers of threads and of jobs that may wait, as for construction. A thread too many
  /// ends behind the job that it runs; what waits already stays. Not from a job, and by one thread
  /// at a time. Throws std::invalid_argument.
  void resize(std::size_t threads, std::size_t limit);

  /// Takes the jobs of this name that wait out of the queue; what runs already goes on.
  /// @return how many there were
  std::size_t remove(std::string_view name);
  /// Whether a job of this name waits.
  bool is_queued(std::string_view name) const;

  std::size_t waiting() const;  ///< jobs queued and not yet running
  std::size_t failed() const;   ///< jobs that ended with an exception

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace vsoa
