#include "options.hpp"

#include <getopt.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

namespace bench {
namespace {

constexpr const char* help =
    "usage: vsoa_bench [options]\n"
    "  --only PART[,PART]   scenarios whose name holds one of these\n"
    "  --rounds N           interleaved rounds of each side (5)\n"
    "  --seconds S          length of a round (1)\n"
    "  --warm-up S          before each round (0.25)\n"
    "  --loops N[,N]        a vsoad with this many loops each (1)\n"
    "  --self-check         a second raw side: its ratio to the first is the noise\n"
    "  --server-core N      core of the servers (0; with more loops this and the next ones)\n"
    "  --load-core N        core of the load (1)\n"
    "  --vsoad PATH         the daemon; empty: raw peers only\n"
    "  --plugins DIR        folder that holds echo.so\n"
    "  --peer HOST:PORT     a VSOA server that runs already, with /echo: RPC scenarios only\n"
    "  --peer-pid PID       its process, for its CPU time\n"
    "  --peers NAME[,NAME]  other brokers beside it: redis, nats, mosquitto, npm; all: those "
    "there\n"
    "  --npm DIR            node_modules that holds the package vsoa (VSOA_BENCH_NPM)\n"
    "  --json FILE          results (vsoa_bench.json); --chart FILE (vsoa_bench.svg)\n"
    "  --smoke              a few messages through every scenario, contents checked, no figures\n"
    "  --list               names of the scenarios\n";

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');)
    parts.push_back(part);
  return parts;
}

address parse_address(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw std::invalid_argument("--peer wants HOST:PORT");
  std::string host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  return {host, static_cast<std::uint16_t>(std::stoul(text.substr(colon + 1)))};
}

enum option_id {
  opt_only = 1,
  opt_rounds,
  opt_seconds,
  opt_warm_up,
  opt_loops,
  opt_self_check,
  opt_server_core,
  opt_load_core,
  opt_vsoad,
  opt_plugins,
  opt_peer,
  opt_peer_pid,
  opt_peers,
  opt_npm,
  opt_json,
  opt_chart,
  opt_smoke,
  opt_list,
  opt_help
};

const option long_options[] = {{"only", required_argument, nullptr, opt_only},
                               {"rounds", required_argument, nullptr, opt_rounds},
                               {"seconds", required_argument, nullptr, opt_seconds},
                               {"warm-up", required_argument, nullptr, opt_warm_up},
                               {"loops", required_argument, nullptr, opt_loops},
                               {"self-check", no_argument, nullptr, opt_self_check},
                               {"server-core", required_argument, nullptr, opt_server_core},
                               {"load-core", required_argument, nullptr, opt_load_core},
                               {"vsoad", required_argument, nullptr, opt_vsoad},
                               {"plugins", required_argument, nullptr, opt_plugins},
                               {"peer", required_argument, nullptr, opt_peer},
                               {"peer-pid", required_argument, nullptr, opt_peer_pid},
                               {"peers", required_argument, nullptr, opt_peers},
                               {"npm", required_argument, nullptr, opt_npm},
                               {"json", required_argument, nullptr, opt_json},
                               {"chart", required_argument, nullptr, opt_chart},
                               {"smoke", no_argument, nullptr, opt_smoke},
                               {"list", no_argument, nullptr, opt_list},
                               {"help", no_argument, nullptr, opt_help},
                               {nullptr, 0, nullptr, 0}};

// The servers, and where results go. False when it is none of these.
bool apply_side(options& to, int id, const std::string& value) {
  switch (id) {
    case opt_vsoad:
      to.vsoad = value;
      break;
    case opt_plugins:
      to.plugins = std::filesystem::absolute(value);  // a configuration takes no other
      break;
    case opt_peer:
      to.peer = parse_address(value);
      break;
    case opt_peer_pid:
      to.peer_pid = std::stoi(value);
      break;
    case opt_peers:
      to.peers = split(value);
      break;
    case opt_npm:
      to.node_modules = value;
      break;
    case opt_json:
      to.json = value;
      break;
    case opt_chart:
      to.chart = value;
      break;
    default:
      return false;
  }
  return true;
}

void apply(options& to, int id, const std::string& value) {
  switch (id) {
    case opt_only:
      to.only = split(value);
      break;
    case opt_rounds:
      to.rounds = static_cast<unsigned>(std::stoul(value));
      break;
    case opt_seconds:
      to.seconds = std::stod(value);
      break;
    case opt_warm_up:
      to.warm_up_s = std::stod(value);
      break;
    case opt_loops:
      to.loops.clear();
      for (const std::string& each : split(value))
        to.loops.push_back(static_cast<unsigned>(std::stoul(each)));
      break;
    case opt_self_check:
      to.self_check = true;
      break;
    case opt_server_core:
      to.server_core = std::stoi(value);
      break;
    case opt_load_core:
      to.load_core = std::stoi(value);
      break;
    case opt_smoke:
      to.smoke = true;
      break;
    case opt_list:
      to.list = true;
      break;
    case opt_help:
      std::fputs(help, stdout);
      std::exit(0);
    default:
      if (!apply_side(to, id, value)) throw std::invalid_argument("see --help");
  }
}

}  // namespace

options parse_options(int argc, char** argv) {
  options parsed;
  if (const char* folder = std::getenv("VSOA_BENCH_NPM")) parsed.node_modules = folder;
#ifdef VSOA_BENCH_DAEMON
  parsed.vsoad = VSOA_BENCH_DAEMON;
  parsed.plugins = VSOA_BENCH_PLUGINS;
#endif
  for (int id = 0; (id = ::getopt_long(argc, argv, "", long_options, nullptr)) != -1;)
    apply(parsed, id, ::optarg == nullptr ? "" : ::optarg);
  if (::optind < argc) throw std::invalid_argument(std::string("not an option: ") + argv[::optind]);
  if (parsed.rounds == 0) throw std::invalid_argument("--rounds must be 1 or more");
  return parsed;
}

}  // namespace bench
