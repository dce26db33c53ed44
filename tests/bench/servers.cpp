#include "servers.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

#include "raw_peers.hpp"

namespace bench {
namespace {

constexpr int start_attempts = 1000;
constexpr int start_pause_us = 10'000;
constexpr const char* service_name = "bench";

class temporary_folder {
 public:
  temporary_folder() {
    std::string name = (std::filesystem::temp_directory_path() / "vsoa_bench.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) fail_errno("mkdtemp");
    path_ = name;
  }
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Limits are far above what any scenario queues: a benchmark of a broker that closes its
// subscribers would be none. Where some don't read, they get what a service with such clients
// would set.
const char* limits_for(workload work) {
  if (work == workload::stalled) return "slow_consumer: drop, outbox: 1MiB";
  return "send_timeout: 30s, outbox: 256MiB, subscriptions: 100000, calls_in_flight: 65535";
}

void write_config(const std::filesystem::path& to, const daemon_options& options, workload work) {
  std::ofstream file(to);
  file << "log: { level: info, target: stderr, format: text }\n"
       << "runtime: { threads: " << options.loops << " }\n"
       << "plugins: { directory: [ \"" << options.plugins.string() << "\" ] }\n"
       << "services:\n"
       << "  - name: " << service_name << "\n"
       << "    listen: [ \"127.0.0.1:0\" ]\n"
       << "    commands: { " << options.echo_url << ": { plugin: echo } }\n"
       << "    topics: { " << options.topic_url << ": { relay: true } }\n"
       << "    limits: { clients: 20000, clients_per_address: 20000, " << limits_for(work)
       << " }\n";
  if (!file.flush()) throw std::runtime_error("cannot write " + to.string());
}

std::string read_file(const std::filesystem::path& from) {
  std::ostringstream text;
  text << std::ifstream(from).rdbuf();
  return text.str();
}

void exec_daemon(const daemon_options& options, const std::filesystem::path& config,
                 const std::filesystem::path& log) {
  const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || ::dup2(fd, STDOUT_FILENO) < 0 || ::dup2(fd, STDERR_FILENO) < 0)
    fail_errno("redirect the log");
  const char* program = options.program.c_str();
  ::execl(program, program, "--config", config.c_str(), static_cast<char*>(nullptr));
  fail_errno("exec " + options.program.string());
}

// False as long as the line is not there.
bool find_address(const std::string& log, address& at) {
  const std::string mark = std::string("service \"") + service_name + "\" listening on ";
  const std::size_t line = log.find(mark);
  if (line == std::string::npos || log.find("ready", line) == std::string::npos) return false;
  const std::size_t start = line + mark.size();
  const std::string text = log.substr(start, log.find_first_of(" \r\n", start) - start);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("no port in the log: " + text);
  at.host = text.substr(0, colon);
  at.port = static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1)));
  return true;
}

server start_daemon(const daemon_options& options, workload work) {
  auto folder = std::make_shared<temporary_folder>();
  const std::filesystem::path config = folder->path() / "vsoad.yaml";
  const std::filesystem::path log = folder->path() / "log";
  write_config(config, options, work);
  server started;
  started.files = folder;
  started.process = child_process(options.cores, [&] { exec_daemon(options, config, log); });
  started.pid = started.process.pid();
  for (int i = 0; i < start_attempts; ++i) {
    if (find_address(read_file(log), started.at)) return started;
    if (started.process.ended()) break;
    ::usleep(start_pause_us);
  }
  throw std::runtime_error("vsoad did not start:\n" + read_file(log));
}

server start_raw(workload work, int core) {
  server started;
  started.speaks_vsoa = false;
  const unique_fd fd =
      work == workload::quick ? bind_udp(started.at.port) : listen_tcp(started.at.port);
  started.process = child_process({core}, [&] {
    if (work == workload::echo) run_raw_echo(fd.get());
    if (work == workload::fanout) run_raw_fanout(fd.get());
    if (work == workload::quick) run_raw_udp(fd.get());
  });
  started.pid = started.process.pid();
  return started;
}

}  // namespace

side raw_side(const std::string& name, int core) {
  return {name, [core](workload work) { return start_raw(work, core); },
          [](workload work) { return work != workload::crowd && work != workload::stalled; }};
}

side daemon_side(const std::string& name, const daemon_options& options) {
  return {name, [options](workload work) { return start_daemon(options, work); },
          [](workload) { return true; }};
}

side running_side(const std::string& name, const address& at, pid_t pid) {
  const auto start = [at, pid](workload) {
    server running;
    running.at = at;
    running.pid = pid;
    return running;
  };
  return {name, start, [](workload work) { return work == workload::echo; }};
}

}  // namespace bench
