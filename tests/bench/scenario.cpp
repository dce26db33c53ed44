#include "scenario.hpp"

namespace bench {

std::vector<scenario> all_scenarios() {
  std::vector<scenario> all;
  add_echo_latency(all);
  add_echo_throughput(all);
  add_fanout(all);
  add_publish_latency(all);
  add_stalled(all);
  add_crowd(all);
  add_quick(all);
  add_stream(all);
  add_connections(all);
  add_tls_echo(all);
  add_tls_idle(all);
  return all;
}

std::string size_name(std::size_t bytes) {
  constexpr std::size_t kib = 1024;
  if (bytes % kib == 0) return std::to_string(bytes / kib) + " KiB";
  return std::to_string(bytes) + " B";
}

}  // namespace bench
