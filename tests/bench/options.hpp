// The command line of vsoa_bench.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sockets.hpp"

namespace bench {

struct options {
  bool smoke = false;
  bool list = false;
  bool self_check = false;  ///< a second raw side: what the harness itself adds
  unsigned rounds = 5;
  double seconds = 1;
  double warm_up_s = 0.25;
  std::vector<std::string> only;      ///< parts of scenario names; empty: all
  std::vector<unsigned> loops = {1};  ///< one vsoad side for each
  int server_core = 0;
  int load_core = 1;
  std::string vsoad;    ///< empty: raw peers only
  std::string plugins;  ///< folder of echo.so
  std::optional<address> peer;
  int peer_pid = 0;
  std::vector<std::string> peers;  ///< other brokers to start, or "all"
  std::string node_modules;        ///< folder of the npm package vsoa
  std::string json = "vsoa_bench.json";
  std::string chart = "vsoa_bench.svg";
};

/// Throws std::invalid_argument. Prints the help and exits on --help.
options parse_options(int argc, char** argv);

}  // namespace bench
