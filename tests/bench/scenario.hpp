// A scenario is one row block of the table: it drives one server for one round.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "measure.hpp"
#include "servers.hpp"

namespace bench {

inline constexpr std::string_view echo_url = "/echo";
inline constexpr std::string_view stream_url = "/stream";
inline constexpr std::string_view topic_url = "/bench/";
inline constexpr std::string_view publish_url = "/bench/load";

struct scenario {
  std::string name;
  workload needs = workload::echo;
  std::function<sample(const server&, const budget&)> run;
  bool fresh_server = false;  ///< a new server for each round, for what it keeps is measured
};

/// Every scenario, in the order of the table. A new one gets a file and a line in scenario.cpp.
std::vector<scenario> all_scenarios();

void add_echo_latency(std::vector<scenario>& to);
void add_echo_throughput(std::vector<scenario>& to);
void add_fanout(std::vector<scenario>& to);
void add_publish_latency(std::vector<scenario>& to);
void add_stalled(std::vector<scenario>& to);
void add_crowd(std::vector<scenario>& to);
void add_quick(std::vector<scenario>& to);
void add_stream(std::vector<scenario>& to);
void add_connections(std::vector<scenario>& to);
void add_tls_echo(std::vector<scenario>& to);
void add_tls_idle(std::vector<scenario>& to);

/// "16 B", "1 KiB", "64 KiB".
std::string size_name(std::size_t bytes);

}  // namespace bench
