#include "process.hpp"

#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "sockets.hpp"

namespace bench {
namespace {

constexpr int stop_attempts = 200;
constexpr int stop_pause_us = 10'000;
constexpr int failed_child_status = 70;

std::string proc_path(pid_t pid, const char* name) {
  return "/proc/" + std::to_string(pid) + '/' + name;
}

void run_child(pid_t parent, const std::vector<int>& cores, const std::function<void()>& body) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(failed_child_status);
  pin_to_cores(cores);
  try {
    body();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "server process: %s\n", error.what());
    ::_exit(failed_child_status);
  }
  ::_exit(0);
}

}  // namespace

bool pin_to_cores(const std::vector<int>& cores) {
  if (cores.empty()) return true;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores)
    CPU_SET(core, &set);
  return ::sched_setaffinity(0, sizeof set, &set) == 0;
}

void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

child_process::child_process(const std::vector<int>& cores, const std::function<void()>& body) {
  const pid_t parent = ::getpid();
  std::fflush(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) fail_errno("fork");
  if (pid_ == 0) run_child(parent, cores, body);
}

child_process::child_process(child_process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)) {}

child_process& child_process::operator=(child_process&& other) noexcept {
  std::swap(pid_, other.pid_);
  return *this;
}

child_process::~child_process() {
  stop();
}

bool child_process::ended() {
  if (pid_ <= 0) return true;
  if (::waitpid(pid_, nullptr, WNOHANG) == 0) return false;
  pid_ = -1;
  return true;
}

void child_process::stop() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  for (int i = 0; i < stop_attempts && !ended(); ++i)
    ::usleep(stop_pause_us);
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

std::uint64_t cpu_time_ns(pid_t pid) {
  if (pid <= 0) return 0;
  std::uint64_t sum = 0;
  std::error_code ignored;
  for (const auto& task : std::filesystem::directory_iterator(proc_path(pid, "task"), ignored)) {
    std::uint64_t on_cpu_ns = 0;
    std::ifstream(task.path() / "schedstat") >> on_cpu_ns;
    sum += on_cpu_ns;
  }
  return sum;
}

std::uint64_t own_cpu_time_ns() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<std::uint64_t>(used.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(used.tv_nsec);
}

memory_use memory_of(pid_t pid) {
  memory_use use;
  if (pid <= 0) return use;
  std::ifstream rollup(proc_path(pid, "smaps_rollup"));
  std::string line;
  while (std::getline(rollup, line)) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t kib = 0;
    words >> name >> kib;
    if (name == "Rss:") use.resident_kib = kib;
    if (name == "Private_Clean:" || name == "Private_Dirty:") use.private_kib += kib;
  }
  return use;
}

}  // namespace bench
