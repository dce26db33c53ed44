// What connections cost: how many a second come and go, and the memory of those that stay.
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "line.hpp"
#include "packet.hpp"
#include "process.hpp"
#include "scenario.hpp"
#include "session.hpp"

namespace bench {
namespace {

// Below any listen backlog, so that no connection waits for a retransmitted SYN.
constexpr std::size_t under_way = 16;
constexpr std::size_t smoke_connections = 20;
constexpr useconds_t settle_us = 500'000;
constexpr int wait_ms = 1000;

struct visitor {
  unique_fd tcp;
  std::int64_t start_ns = 0;
};

class connection_load {
 public:
  connection_load(const server& under_test, const budget& limits)
      : at_(under_test.at), greeting_(handshake_packet()), watch_(limits, under_test.pid) {}

  sample run() {
    for (std::size_t i = 0; i < visitors_.size(); ++i)
      arrive(i);
    while (watch_.running(now_ns(), done_)) {
      const auto events = poller_.wait(wait_ms);
      if (events.empty()) throw std::runtime_error("no answer to a handshake");
      for (const epoll_event& event : events)
        leave_and_return(event.data.u64);
    }
    sample result;
    watch_.report(result, "connections");
    report_latency(result, latencies_);
    return result;
  }

 private:
  void arrive(std::size_t slot) {
    visitor& each = visitors_[slot];
    each.start_ns = now_ns();
    each.tcp = connect_tcp(at_);
    write_all(each.tcp.get(), greeting_);
    poller_.add(each.tcp.get(), EPOLLIN, slot);
  }

  void leave_and_return(std::size_t slot) {
    visitor& each = visitors_[slot];
    read_packet(each.tcp.get());
    if (watch_.measuring()) latencies_.record(static_cast<std::uint64_t>(now_ns() - each.start_ns));
    ++done_;
    each.tcp.reset();
    arrive(slot);
  }

  address at_;
  std::string greeting_;
  poller poller_;
  std::array<visitor, under_way> visitors_;
  histogram latencies_;
  stopwatch watch_;
  std::uint64_t done_ = 0;
};

sample measure_idle_memory(const server& under_test, const budget& limits, std::size_t wanted) {
  const std::size_t count = limits.smoke ? smoke_connections : wanted;
  if (!limits.smoke) ::usleep(settle_us);
  const memory_use before = memory_of(under_test.pid);
  std::vector<line> idle;
  for (std::size_t i = 0; i < count; ++i) {
    idle.push_back(open_line(under_test.at, under_test.secure));
    shake_hands(idle.back());
    subscribe(idle.back(), publish_url);
  }
  if (!limits.smoke) ::usleep(settle_us);
  const memory_use after = memory_of(under_test.pid);
  const double grown =
      static_cast<double>(after.private_kib) - static_cast<double>(before.private_kib);
  return {{"memory per connection", "KiB", grown / static_cast<double>(count)},
          {"RSS before", "KiB", static_cast<double>(before.resident_kib)}};
}

void add_idle(std::vector<scenario>& to, const std::string& kind, workload work,
              std::size_t count) {
  to.push_back({kind + ' ' + std::to_string(count), work,
                [count](const server& under_test, const budget& limits) {
                  return measure_idle_memory(under_test, limits, count);
                },
                true});
}

}  // namespace

void add_connections(std::vector<scenario>& to) {
  to.push_back(
      {"connect and close", workload::connect, [](const server& under_test, const budget& limits) {
         return connection_load(under_test, limits).run();
       }});
  add_idle(to, "idle connections", workload::idle, 1000);
  add_idle(to, "idle connections", workload::idle, 10000);
}

void add_tls_idle(std::vector<scenario>& to) {
  add_idle(to, "tls idle connections", workload::tls, 1000);
}

}  // namespace bench
