// Runs the real vsoad for a test: with a configuration of its own in a directory of its own, on
// ports that the kernel chooses. The addresses are read from the log, readiness from systemd's
// protocol.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstddef>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "peer.hpp"

namespace vsoa_test {

/// A directory for one test, readable by all, removed with what is in it.
class temporary_directory {
 public:
  temporary_directory();
  ~temporary_directory();
  temporary_directory(const temporary_directory&) = delete;
  temporary_directory& operator=(const temporary_directory&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  std::filesystem::path write(const std::string& name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

/// How a process ended.
struct exit_state {
  int code = -1;   ///< exit code; -1 when a signal ended it
  int signal = 0;  ///< that signal; 0 when it exited
};

/// Where the bundled plugins of this build are.
std::string plugin_directory();

/// A configuration with the bundled plugins, no position server, and `rest`, which begins at column
/// 0: further sections. `plugins:` belongs to the caller when `rest` has one.
std::string with_plugins(std::string_view rest);

/// The configuration of one open service "main" on 127.0.0.1 with /echo and /publish served by the
/// echo plugin. `rest` is what else the service has, each line indented by four blanks.
std::string one_service(std::string_view rest = {});

struct runner_options {
  std::vector<std::string> arguments;              ///< besides --config
  std::map<std::string, std::string> environment;  ///< besides what the test itself has
  bool await_ready = true;  ///< false: return at once, for a daemon that is meant to fail
};

class daemon_runner {
 public:
  explicit daemon_runner(const std::string& config, const runner_options& options = {});
  ~daemon_runner();  ///< ends the process by SIGKILL if it still runs
  daemon_runner(const daemon_runner&) = delete;
  daemon_runner& operator=(const daemon_runner&) = delete;

  pid_t pid() const noexcept { return pid_; }
  const temporary_directory& directory() const noexcept { return directory_; }

  /// Of this daemon, unless its configuration has another.
  std::string control_socket() const { return directory_.path() / "control.sock"; }
  /// The bound address of a service: of its `index`-th listen entry.
  endpoint service(const std::string& name = "main", std::size_t index = 0) const;
  /// The bound address of the position server.
  endpoint position(std::size_t index = 0) const;

  /// Everything written to standard error and standard output so far.
  std::string output() const;
  /// Lines of it that contain `part`.
  std::vector<std::string> lines_with(std::string_view part) const;
  /// Waits for a line that contains `part`; says whether it came.
  bool wait_for_line(std::string_view part, milliseconds bound = patience) const;
  /// Waits for a notification such as "STOPPING=1".
  bool wait_for_notification(std::string_view text, milliseconds bound = patience) const;
  /// How many notifications that contain `text` have come so far.
  std::size_t notifications_with(std::string_view text) const;

  void signal(int number) const;
  /// Writes another configuration and has it read by SIGHUP. Waits for the outcome.
  /// @return whether it is in force
  bool reload(const std::string& config) const;
  /// Waits for the process to end. Throws when it does not in time.
  exit_state wait_exit(milliseconds bound = patience);
  bool running();

  /// Resident memory of the process in bytes.
  std::size_t resident_bytes() const;
  /// A field of /proc/PID/status, e.g. "Uid".
  std::string status_field(std::string_view name) const;

 private:
  void start(const std::vector<std::string>& arguments, const runner_options& options);
  void read_loop();
  void take_output(std::string_view bytes);
  void take_line(const std::string& line);
  void take_notification(std::string_view text);
  bool wait_for(const std::function<bool()>& condition, milliseconds bound) const;
  void await_ready();

  temporary_directory directory_;
  pid_t pid_ = -1;
  std::optional<exit_state> exit_;
  unique_fd output_;
  unique_fd notify_;
  unique_fd stop_reading_;
  std::thread reader_;

  mutable std::mutex mutex_;  // guards what follows
  mutable std::condition_variable changed_;
  bool output_ended_ = false;
  std::string partial_;
  std::vector<std::string> lines_;
  std::vector<std::string> notifications_;
  std::map<std::string, std::vector<endpoint>> services_;
  std::vector<endpoint> positions_;
};

}  // namespace vsoa_test
