// Child processes, processor affinity, and what a process has used.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// Pins the calling process to these cores; an empty list, or cores that are not there, change
/// nothing.
/// @return false when it could not be done
bool pin_to_cores(const std::vector<int>& cores);

/// Raises the limit of open files as far as allowed.
void raise_file_limit();

/// A forked process, ended when this object goes or when the parent dies.
class child_process {
 public:
  child_process() = default;
  /// Forks; the child is pinned, runs `body` and exits. `body` must not return to its caller's
  /// frames.
  child_process(const std::vector<int>& cores, const std::function<void()>& body);
  child_process(child_process&& other) noexcept;
  child_process& operator=(child_process&& other) noexcept;
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  ~child_process();

  pid_t pid() const { return pid_; }
  /// True when the process has ended by itself.
  bool ended();
  /// SIGTERM, and SIGKILL when it has not ended within 2 s.
  void stop();

 private:
  pid_t pid_ = -1;
};

/// CPU time that all threads of a process have used, in ns; 0 when pid is 0 or unknown.
std::uint64_t cpu_time_ns(pid_t pid);
/// CPU time of this process, in ns.
std::uint64_t own_cpu_time_ns();
/// Memory of a process in KiB, counted page by page; zeros when unknown.
struct memory_use {
  std::uint64_t resident_kib = 0;
  std::uint64_t private_kib = 0;  ///< without what is shared: libraries, pages of before a fork
};
memory_use memory_of(pid_t pid);

}  // namespace bench
