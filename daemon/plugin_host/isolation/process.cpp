#include "plugin_host/isolation/process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "plugin_host/isolation/control.hpp"

#ifndef VSOAD_LIBEXECDIR
#define VSOAD_LIBEXECDIR "/usr/libexec/vsoad"
#endif

namespace vsoad::isolation {
namespace {

std::string failure(const char* doing, int error) {
  return std::string(doing) + ": " + std::generic_category().message(error);
}

/// What posix_spawn is told.
class spawn_orders {
 public:
  spawn_orders() {
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
    sigset_t none, all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    // A group of its own, so that what a terminal sends to the daemon's does not reach it.
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~spawn_orders() {
    ::posix_spawn_file_actions_destroy(&files);
    ::posix_spawnattr_destroy(&attributes);
  }
  spawn_orders(const spawn_orders&) = delete;
  spawn_orders& operator=(const spawn_orders&) = delete;

  posix_spawn_file_actions_t files{};
  posix_spawnattr_t attributes{};
};

/// Copies of descriptors with numbers above all those that the child is to have, so that none is
/// overwritten before it has been passed.
unique_fd out_of_the_way(int fd, std::size_t loops) {
  const int above = first_channel_fd + static_cast<int>(loops);
  return unique_fd(::fcntl(fd, F_DUPFD_CLOEXEC, above));
}

std::string name_of(int signal) {
  const char* const name = ::sigabbrev_np(signal);
  return name == nullptr ? "signal " + std::to_string(signal) : "SIG" + std::string(name);
}

}  // namespace

std::optional<process> process::start(const std::string& program, int code, std::size_t loops,
                                      std::string& reason) {
  process p;
  std::vector<unique_fd> theirs;
  const auto pass = [&](std::pair<unique_fd, unique_fd> pair, unique_fd& ours) {
    ours = std::move(pair.first);
    theirs.push_back(out_of_the_way(pair.second.get(), loops));
  };
  pass(make_packet_sockets(), p.control);
  pass(make_packet_sockets(), p.host);
  theirs.push_back(out_of_the_way(code, loops));
  p.channels.resize(loops);
  for (unique_fd& channel : p.channels)
    pass(make_stream_sockets(), channel);
  spawn_orders orders;
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    if (!theirs[i]) {
      reason = failure("no descriptors for its process", errno);
      return {};
    }
    ::posix_spawn_file_actions_adddup2(&orders.files, theirs[i].get(),
                                       control_fd + static_cast<int>(i));
  }
  ::posix_spawn_file_actions_addclosefrom_np(&orders.files,
                                             first_channel_fd + static_cast<int>(loops));
  char name[] = "vsoad-plugin";
  char* arguments[] = {name, nullptr};
  const int error = ::posix_spawn(&p.pid, program.c_str(), &orders.files, &orders.attributes,
                                  arguments, ::environ);
  if (error != 0) {
    reason = failure(program.c_str(), error);
    return {};
  }
  p.pidfd = unique_fd(static_cast<int>(::syscall(SYS_pidfd_open, p.pid, 0)));
  if (!p.pidfd) {
    reason = failure("pidfd_open", errno);
    p.kill();
    (void)::waitpid(p.pid, nullptr, 0);
    return {};
  }
  return p;
}

// The process is ours until it is reaped, so its number is nobody else's.
void process::kill() const noexcept {
  if (pid > 1) (void)::kill(pid, SIGKILL);
}

std::string process::reap() const {
  if (pid <= 1) return "it is gone";  // else it would be our own group, or everybody's
  (void)::kill(-pid, SIGKILL);
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) return "it is gone";
  if (WIFEXITED(status))
    return "it has ended with exit code " + std::to_string(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) return "it was ended by " + name_of(WTERMSIG(status));
  return "it is gone";
}

// Without what it shares with others: files that are mapped.
std::uint64_t process::memory() const {
  const std::string path = "/proc/" + std::to_string(pid) + "/statm";
  const unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return 0;
  std::array<char, 128> text{};
  if (::read(file.get(), text.data(), text.size() - 1) <= 0) return 0;
  unsigned long long all = 0, resident = 0, shared = 0;
  if (std::sscanf(text.data(), "%llu %llu %llu", &all, &resident, &shared) != 3) return 0;
  if (resident < shared) return 0;
  return (resident - shared) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string find_program() {
  std::array<char, 4096> self{};
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size() - 1);
  if (length > 0) {
    std::string beside(self.data(), static_cast<std::size_t>(length));
    beside.resize(beside.rfind('/') + 1);
    beside += "vsoad-plugin";
    if (::access(beside.c_str(), X_OK) == 0) return beside;
  }
  return VSOAD_LIBEXECDIR "/vsoad-plugin";
}

}  // namespace vsoad::isolation
