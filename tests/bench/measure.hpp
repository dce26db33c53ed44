// What every scenario is given, keeps and returns.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "vsoactl/histogram.hpp"

namespace bench {

using vsoad::ctl::histogram;

/// How long one round lasts.
struct budget {
  std::int64_t warm_up_ns = 200'000'000;
  std::int64_t measure_ns = 1'000'000'000;
  std::uint64_t max_messages = UINT64_MAX;  ///< ends the round early; small in a smoke run
  bool smoke = false;                       ///< check every byte; few connections, no pauses
};

/// One figure of one round.
struct metric {
  std::string name;
  std::string unit;
  double value = 0;
};
using sample = std::vector<metric>;

/// Decides when the warm-up and the round end, and meters both processes in between.
class stopwatch {
 public:
  /// @param server  its process, or 0 when unknown: then its CPU time is not reported
  stopwatch(const budget& limits, pid_t server);

  /// Says whether to go on. Call after each batch.
  /// @param messages  done since the beginning, warm-up included
  bool running(std::int64_t now, std::uint64_t messages);
  bool measuring() const { return measuring_; }

  double seconds() const;
  std::uint64_t messages() const { return last_messages_ - first_messages_; }
  /// Adds rate, server CPU seconds per million messages and how busy both sides were.
  void report(sample& to, const std::string& rate_name) const;

 private:
  void begin(std::int64_t now, std::uint64_t messages);
  void end(std::int64_t now, std::uint64_t messages);

  budget limits_;
  pid_t server_;
  std::int64_t warm_until_ns_;
  std::int64_t first_ns_ = 0;
  std::int64_t last_ns_ = 0;
  std::uint64_t first_messages_ = 0;
  std::uint64_t last_messages_ = 0;
  std::uint64_t server_cpu_ns_ = 0;
  std::uint64_t load_cpu_ns_ = 0;
  bool measuring_ = false;
};

/// Adds p50, p90, p99, p99.9 and max in microseconds.
void report_latency(sample& to, const histogram& latencies);

}  // namespace bench
