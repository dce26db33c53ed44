#include "servers.hpp"

#include <unistd.h>

#include <fstream>
#include <optional>
#include <stdexcept>

#include "files.hpp"
#include "line.hpp"
#include "raw_peers.hpp"

namespace bench {
namespace {

constexpr int start_attempts = 1000;
constexpr int start_pause_us = 10'000;
constexpr const char* service_name = "bench";

// Limits are far above what any scenario queues: a benchmark of a broker that closes its
// subscribers would be none. Where some don't read, they get what a service with such clients
// would set.
const char* limits_for(workload work) {
  if (work == workload::stalled) return "slow_consumer: drop, outbox: 1MiB";
  return "send_timeout: 30s, outbox: 256MiB, subscriptions: 100000, calls_in_flight: 65535";
}

// Who answers the echo and offers streams: the plugin, or the server at `upstream`.
std::string echo_entry(const address* upstream) {
  if (upstream == nullptr) return "{ plugin: echo }";
  return "{ forward: \"vsoa://" + upstream->host + ':' + std::to_string(upstream->port) + "\" }";
}

void write_config(const std::filesystem::path& to, const daemon_options& options, workload work,
                  const address* upstream) {
  std::ofstream file(to);
  file << "log: { level: info, target: stderr, format: text }\n"
       << "runtime: { threads: " << options.loops << " }\n"
       << "plugins: { directory: [ \"" << options.plugins.string() << "\" ]"
       << (work == workload::isolated ? ", settings: { echo: { isolation: process } }" : "")
       << " }\n"
       << "services:\n"
       << "  - name: " << service_name << "\n"
       << "    listen: [ \"127.0.0.1:0\" ]\n"
       << "    commands: { " << options.echo_url << ": " << echo_entry(upstream)
       << ", /stream: " << echo_entry(upstream) << " }\n"
       << "    topics: { " << options.topic_url << ": { relay: true } }\n"
       << "    limits: { clients: 20000, clients_per_address: 20000, " << limits_for(work)
       << " }\n";
  if (is_secure(work)) {
    file << "    tls: { cert: " << server_files().cert << ", key: " << server_files().key << " }\n";
  }
  if (!file.flush()) throw std::runtime_error("cannot write " + to.string());
}

void exec_daemon(const daemon_options& options, const std::filesystem::path& config,
                 const std::filesystem::path& log) {
  redirect_output(log);
  const char* program = options.program.c_str();
  ::execl(program, program, "--config", config.c_str(), static_cast<char*>(nullptr));
  fail_errno("exec " + options.program.string());
}

// False as long as the line is not there, or one with `also`.
bool find_address(const std::string& log, const char* also, address& at) {
  const std::string mark = std::string("service \"") + service_name + "\" listening on ";
  const std::size_t line = log.find(mark);
  if (line == std::string::npos || log.find("ready", line) == std::string::npos ||
      log.find(also) == std::string::npos) {
    return false;
  }
  const std::size_t start = line + mark.size();
  const std::string text = log.substr(start, log.find_first_of(" \r\n", start) - start);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw std::runtime_error("no port in the log: " + text);
  at.host = text.substr(0, colon);
  at.port = static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1)));
  return true;
}

// What must live as long as a daemon that is measured.
struct surroundings {
  temporary_folder folder;
  std::optional<server> upstream;
};

server start_daemon(const daemon_options& options, workload work) {
  auto around = std::make_shared<surroundings>();
  if (work == workload::forward || work == workload::relay)
    around->upstream = start_daemon(options, workload::echo);
  const address* const upstream = around->upstream ? &around->upstream->at : nullptr;
  const std::filesystem::path config = around->folder.path() / "vsoad.yaml";
  const std::filesystem::path log = around->folder.path() / "log";
  write_config(config, options, work, upstream);
  server started;
  started.secure = is_secure(work);
  started.files = around;
  started.process = child_process(options.cores, [&] { exec_daemon(options, config, log); });
  started.pid = started.process.pid();
  for (int i = 0; i < start_attempts; ++i) {
    const char* const also = upstream != nullptr ? "connected at" : "";
    if (find_address(read_file(log), also, started.at)) return started;
    if (started.process.ended()) break;
    ::usleep(start_pause_us);
  }
  throw std::runtime_error("vsoad did not start:\n" + read_file(log));
}

void run_raw(workload work, int socket, bool secure, const address& upstream) {
  switch (work) {
    case workload::quick:
      return run_raw_udp(socket);
    case workload::stream:
    case workload::tls_stream:
      return run_raw_stream(socket, secure);
    case workload::relay:
      return run_raw_relay(socket, upstream);
    case workload::echo:
    case workload::tls:
    case workload::forward:
    case workload::isolated:
    case workload::connect:
      return run_raw_echo(socket, secure);
    default:
      return run_raw_fanout(socket);
  }
}

server start_raw(workload work, int core) {
  server started;
  started.speaks = protocol::raw;
  started.secure = is_secure(work);
  if (started.secure) server_files();  // not the child's to remove
  address upstream;
  if (work == workload::relay) {
    auto behind = std::make_shared<server>(start_raw(workload::stream, core));
    upstream = behind->at;
    started.files = behind;
  }
  const unique_fd fd =
      work == workload::quick ? bind_udp(started.at.port) : listen_tcp(started.at.port);
  started.process =
      child_process({core}, [&] { run_raw(work, fd.get(), started.secure, upstream); });
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
  return {name, start,
          [](workload work) { return work == workload::echo || work == workload::connect; }};
}

}  // namespace bench
