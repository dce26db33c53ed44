#include "peers.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "files.hpp"

namespace bench {
namespace {

namespace fs = std::filesystem;

constexpr int start_attempts = 500;
constexpr int start_pause_us = 10'000;

// Answers with what came, and relays; the package's own defaults otherwise.
constexpr const char* npm_script = R"js(
const vsoa = require(process.argv[2] + '/vsoa');
const server = new vsoa.Server({ info: { name: 'bench' } });
server.on('/echo', (client, request, payload) => client.reply(0, request.seqno, payload));
server.ondata = (client, url, payload, quick) => server.publish(url, payload, quick);
server.start({ domain: vsoa.AF_INET, addr: '127.0.0.1', port: Number(process.argv[3]) });
)js";

struct peer {
  std::string name;
  std::string program;
  protocol speaks = protocol::vsoa;
  std::vector<workload> serves;
};

const std::vector<peer>& known_peers() {
  static const std::vector<peer> all = {
      {"redis", "redis-server", protocol::resp, {workload::echo, workload::fanout}},
      {"nats", "nats-server", protocol::nats, {workload::fanout}},
      {"mosquitto", "mosquitto", protocol::mqtt, {workload::fanout}},
      {"npm", "node", protocol::vsoa, {workload::echo, workload::fanout}},
  };
  return all;
}

// Empty when it is not installed. Daemons live where a user's PATH does not always lead.
fs::path find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path == nullptr ? "" : path) + ":/usr/sbin:/usr/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path candidate = fs::path(folder) / name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return {};
}

bool is_there(const peer& wanted, const std::string& node_modules) {
  if (find_program(wanted.program).empty()) return false;
  return wanted.name != "npm" || fs::exists(fs::path(node_modules) / "vsoa");
}

void write_file(const fs::path& to, const std::string& text) {
  std::ofstream file(to);
  file << text;
  if (!file.flush()) throw std::runtime_error("cannot write " + to.string());
}

// Defaults, but for persistence, and for mosquitto's queue of 1000 that drops what the load has
// under way.
std::vector<std::string> arguments_of(const peer& started, const std::string& port,
                                      const fs::path& folder, const std::string& node_modules) {
  if (started.name == "redis")
    return {"--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", folder.string()};
  if (started.name == "nats") return {"-a", "127.0.0.1", "-p", port};
  if (started.name == "mosquitto") {
    const fs::path config = folder / "mosquitto.conf";
    write_file(config, "listener " + port +
                           " 127.0.0.1\nallow_anonymous true\npersistence false\n"
                           "max_queued_messages 0\n");
    return {"-c", config.string()};
  }
  const fs::path script = folder / "server.js";
  write_file(script, npm_script);
  return {script.string(), fs::absolute(node_modules).string(), port};
}

void exec_peer(const fs::path& program, std::vector<std::string> arguments, const fs::path& log) {
  redirect_output(log);
  arguments.insert(arguments.begin(), program.string());
  std::vector<char*> words;
  for (std::string& each : arguments)
    words.push_back(each.data());
  words.push_back(nullptr);
  ::execv(program.c_str(), words.data());
  fail_errno("exec " + program.string());
}

bool accepts(const address& at) {
  try {
    connect_tcp(at);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

server start_peer(const peer& wanted, int core, const std::string& node_modules) {
  auto folder = std::make_shared<temporary_folder>();
  const fs::path log = folder->path() / "log";
  server started;
  started.files = folder;
  started.speaks = wanted.speaks;
  listen_tcp(started.at.port);  // free, as it is closed at once
  const std::vector<std::string> arguments =
      arguments_of(wanted, std::to_string(started.at.port), folder->path(), node_modules);
  const fs::path program = find_program(wanted.program);
  started.process = child_process({core}, [&] { exec_peer(program, arguments, log); });
  started.pid = started.process.pid();
  for (int i = 0; i < start_attempts && !started.process.ended(); ++i) {
    if (accepts(started.at)) return started;
    ::usleep(start_pause_us);
  }
  throw std::runtime_error(wanted.name + " did not start:\n" + read_file(log));
}

side make_side(const peer& wanted, int core, const std::string& node_modules) {
  const auto serves = [wanted](workload work) {
    return std::find(wanted.serves.begin(), wanted.serves.end(), work) != wanted.serves.end();
  };
  const auto start = [wanted, core, node_modules](workload) {
    return start_peer(wanted, core, node_modules);
  };
  return {wanted.name, start, serves};
}

}  // namespace

std::vector<side> peer_sides(const std::vector<std::string>& names, int core,
                             const std::string& node_modules) {
  std::vector<side> sides;
  for (const std::string& name : names) {
    bool known = name == "all";
    for (const peer& each : known_peers()) {
      if (name != "all" && name != each.name) continue;
      known = true;
      if (is_there(each, node_modules)) {
        sides.push_back(make_side(each, core, node_modules));
      } else if (name != "all") {
        throw std::invalid_argument("not installed: " + name);
      }
    }
    if (!known) throw std::invalid_argument("--peers knows no " + name);
  }
  return sides;
}

}  // namespace bench
