// Publishes at a fixed rate. The clock of each starts when it was due, not when it was sent, so
// that a stall counts for every publish that it delayed (no coordinated omission).
#include <poll.h>

#include <array>
#include <stdexcept>

#include "frame_scanner.hpp"
#include "scenario.hpp"
#include "session.hpp"

namespace bench {
namespace {

constexpr std::size_t payload_bytes = 16;
constexpr std::int64_t period_ns = 1'000'000;
// Sleeping ends early by this much and the rest is spun, so that the timer's own lateness (it
// would dwarf what is measured) is no part of the latency.
constexpr std::int64_t spin_ns = 150'000;
constexpr std::uint32_t indexes = 4096;
constexpr std::int64_t loss_limit_ns = 5'000'000'000;

class paced_publisher {
 public:
  paced_publisher(const server& under_test, const budget& limits)
      : subscriber_(open_session(under_test.at)),
        scanner_(limits.smoke),
        watch_(limits, under_test.pid) {
    subscribe(subscriber_, publish_url);
    publisher_ = open_session(under_test.at);
    set_nonblocking(subscriber_.tcp.get());
    for (std::uint32_t i = 0; i < indexes; ++i)
      packets_.push_back(build_packet(
          {packet_type::datagram, 0, 0, publish_url, {}, build_payload(i, payload_bytes)}));
  }

  sample run() {
    std::int64_t due = now_ns() + period_ns;
    while (watch_.running(now_ns(), received_)) {
      wait_until(due);
      if (sent_ - received_ == indexes) throw std::runtime_error("publishes are not delivered");
      due_ns_[sent_ % indexes] = due;
      write_all(publisher_.tcp.get(), packets_[sent_ % indexes]);
      ++sent_;
      due += period_ns;
    }
    const std::int64_t limit = now_ns() + loss_limit_ns;
    while (received_ < sent_) {
      wait_until(now_ns() + period_ns);
      if (now_ns() > limit) throw std::runtime_error("publishes without a delivery");
    }
    sample result;
    report_latency(result, latencies_);
    watch_.report(result, "deliveries");
    return result;
  }

 private:
  void wait_until(std::int64_t due) {
    for (;;) {
      const std::int64_t left = due - now_ns();
      if (left <= 0) return;
      timespec timeout{};
      if (left > spin_ns) timeout.tv_nsec = left - spin_ns;
      pollfd waited{subscriber_.tcp.get(), POLLIN, 0};
      if (::ppoll(&waited, 1, &timeout, nullptr) > 0) receive();
    }
  }

  void receive() {
    std::array<std::uint8_t, 4096> buffer;
    const std::size_t got = read_some(subscriber_.tcp.get(), buffer.data(), buffer.size());
    const std::int64_t now = now_ns();
    scanner_.feed(buffer.data(), got, [&](const frame& publish) {
      if (publish.index != received_ % indexes)
        throw std::runtime_error("a publish lost or repeated");
      if (watch_.measuring())
        latencies_.record(static_cast<std::uint64_t>(now - due_ns_[publish.index]));
      ++received_;
    });
  }

  session subscriber_;
  session publisher_;
  frame_scanner scanner_;
  std::vector<std::string> packets_;
  std::array<std::int64_t, indexes> due_ns_{};
  histogram latencies_;
  stopwatch watch_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace

void add_publish_latency(std::vector<scenario>& to) {
  to.push_back({"publish latency at 1000/s 16 B", workload::pace,
                [](const server& under_test, const budget& limits) {
                  return paced_publisher(under_test, limits).run();
                }});
}

}  // namespace bench
