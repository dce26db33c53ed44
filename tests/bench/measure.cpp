#include "measure.hpp"

#include <algorithm>

#include "process.hpp"
#include "sockets.hpp"

namespace bench {
namespace {

constexpr double ns_per_s = 1e9;
constexpr double ns_per_us = 1e3;
constexpr double percent = 100;
constexpr double million = 1e6;

}  // namespace

stopwatch::stopwatch(const budget& limits, pid_t server)
    : limits_(limits), server_(server), warm_until_ns_(now_ns() + limits.warm_up_ns) {
  if (limits_.smoke) begin(now_ns(), 0);
}

void stopwatch::begin(std::int64_t now, std::uint64_t messages) {
  measuring_ = true;
  first_ns_ = last_ns_ = now;
  first_messages_ = last_messages_ = messages;
  server_cpu_ns_ = cpu_time_ns(server_);
  load_cpu_ns_ = own_cpu_time_ns();
}

void stopwatch::end(std::int64_t now, std::uint64_t messages) {
  measuring_ = false;
  last_ns_ = now;
  last_messages_ = messages;
  load_cpu_ns_ = own_cpu_time_ns() - load_cpu_ns_;
  server_cpu_ns_ = cpu_time_ns(server_) - server_cpu_ns_;
}

bool stopwatch::running(std::int64_t now, std::uint64_t messages) {
  if (!measuring_) {
    if (now >= warm_until_ns_) begin(now, messages);
    return true;
  }
  if (now - first_ns_ < limits_.measure_ns && messages - first_messages_ < limits_.max_messages)
    return true;
  end(now, messages);
  return false;
}

double stopwatch::seconds() const {
  return std::max(1e-9, static_cast<double>(last_ns_ - first_ns_) / ns_per_s);
}

void stopwatch::report(sample& to, const std::string& rate_name) const {
  const auto count = static_cast<double>(messages());
  to.push_back({rate_name, "1/s", count / seconds()});
  if (server_ > 0) {
    const double cpu_s = static_cast<double>(server_cpu_ns_) / ns_per_s;
    to.push_back({"server CPU", "s/million", cpu_s * million / std::max(1.0, count)});
    to.push_back({"server busy", "%", percent * cpu_s / seconds()});
  }
  to.push_back(
      {"load busy", "%", percent * static_cast<double>(load_cpu_ns_) / ns_per_s / seconds()});
}

void report_latency(sample& to, const histogram& latencies) {
  const auto us = [&](double share) {
    return static_cast<double>(latencies.quantile(share)) / ns_per_us;
  };
  to.push_back({"p50", "us", us(0.5)});
  to.push_back({"p90", "us", us(0.9)});
  to.push_back({"p99", "us", us(0.99)});
  to.push_back({"p99.9", "us", us(0.999)});
  to.push_back({"max", "us", static_cast<double>(latencies.max()) / ns_per_us});
}

}  // namespace bench
