// Subscribers that have stopped reading, among others that read: what it does to the others, and
// what the server keeps for those that don't. The same server without them, in the same round and
// just before, is what it is compared with.
#include <stdexcept>

#include "frame_scanner.hpp"
#include "process.hpp"
#include "scenario.hpp"
#include "session.hpp"

namespace bench {
namespace {

constexpr std::size_t payload_bytes = 1024;
constexpr std::size_t read_bytes = 256U * 1024;
constexpr std::int64_t period_ns = 1'000'000;
constexpr std::int64_t smoke_period_ns = 50'000;
constexpr std::size_t remembered = 1 << 16;
constexpr double ns_per_us = 1e3;
constexpr double percent = 100;
// What has not come after this silence was dropped.
constexpr std::int64_t silence_ns = 500'000'000;
// The kernel takes up to 4 MiB for a connection that nobody reads, the outbox 1 MiB.
constexpr std::uint64_t fill_publishes = 8192;
constexpr std::uint64_t fill_window = 128;

struct reader {
  reader(session opened, bool verify) : connection(std::move(opened)), scanner(verify) {}

  session connection;
  frame_scanner scanner;
  std::uint64_t next = 0;  ///< publishes before this one have come, or never will
};

/// What one stretch at a fixed rate gave.
struct stretch {
  double received_percent = 0;
  double p50_us = 0;
  double p99_us = 0;
};

class stalled_load {
 public:
  stalled_load(const server& under_test, const budget& limits, std::size_t healthy)
      : under_test_(under_test),
        limits_(limits),
        packet_(build_packet(
            {packet_type::datagram, 0, 0, publish_url, {}, build_payload(0, payload_bytes)})),
        buffer_(read_bytes),
        due_ns_(remembered) {
    for (std::size_t i = 0; i < healthy; ++i) {
      reader& each = healthy_.emplace_back(open_session(under_test.at), limits.smoke);
      subscribe(each.connection, publish_url);
      set_nonblocking(each.connection.tcp.get());
      poller_.add(each.connection.tcp.get(), EPOLLIN, i);
    }
    publisher_ = open_session(under_test.at);
  }

  sample run(std::size_t stalled) {
    const double before = private_kib();
    burst();  // both stretches come after one: by that alone the second was 5 % slower
    const stretch alone = pace();
    const double grown_alone = private_kib() - before;
    join_stalled(stalled);
    burst();
    const stretch among = pace();
    const double grown = private_kib() - before;
    check_stalled();
    if (limits_.smoke && among.received_percent < percent)
      throw std::runtime_error("a subscriber that reads has missed a publish");
    return {{"received", "%", among.received_percent},
            {"received alone", "%", alone.received_percent},
            {"p50", "us", among.p50_us},
            {"p50 alone", "us", alone.p50_us},
            {"p50 / alone", "x", among.p50_us / alone.p50_us},
            {"p99", "us", among.p99_us},
            {"p99 alone", "us", alone.p99_us},
            {"p99 / alone", "x", among.p99_us / alone.p99_us},
            {"memory growth", "KiB", grown},
            {"memory growth alone", "KiB", grown_alone}};
  }

 private:
  double private_kib() const { return static_cast<double>(memory_of(under_test_.pid).private_kib); }

  // Those that will never read.
  void join_stalled(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      const reader& each = stalled_.emplace_back(open_session(under_test_.at), true);
      subscribe(each.connection, publish_url);
    }
    stalled_since_ = published_;
  }

  // More than is kept for anyone who does not read.
  void burst() {
    for (std::uint64_t i = 0; i < fill_publishes; ++i) {
      publish(now_ns());
      if (published_ % fill_window == 0) settle();
    }
    settle();
  }

  stretch pace() {
    latencies_.clear();
    received_ = 0;
    const std::uint64_t first = published_;
    stopwatch watch(limits_, under_test_.pid);
    std::int64_t due = now_ns();
    while (watch.running(now_ns(), published_ - first)) {
      measuring_ = watch.measuring();
      due += limits_.smoke ? smoke_period_ns : period_ns;
      for (auto events = poller_.wait_until(due); !events.empty(); events = poller_.wait_until(due))
        receive(events);
      publish(due);
    }
    settle();
    measuring_ = false;
    const auto expected = static_cast<double>((published_ - first) * healthy_.size());
    return {percent * static_cast<double>(received_) / expected,
            static_cast<double>(latencies_.quantile(0.5)) / ns_per_us,
            static_cast<double>(latencies_.quantile(0.99)) / ns_per_us};
  }

  void publish(std::int64_t due) {
    const packet_header header = parse_header(reinterpret_cast<const std::uint8_t*>(&packet_[0]));
    store_u32(&packet_[header.data_offset()], static_cast<std::uint32_t>(published_));
    due_ns_[published_ % remembered] = due;
    write_all(publisher_.tcp.get(), packet_);
    ++published_;
  }

  // Until all that read have the last publish, or nothing comes any more.
  void settle() {
    std::int64_t limit = now_ns() + silence_ns;
    while (!all_have_the_last()) {
      const auto events = poller_.wait_until(limit);
      if (events.empty()) return;
      receive(events);
      limit = now_ns() + silence_ns;
    }
  }

  bool all_have_the_last() const {
    for (const reader& each : healthy_) {
      if (each.next < published_) return false;
    }
    return true;
  }

  void receive(std::span<const epoll_event> events) {
    for (const epoll_event& event : events) {
      reader& each = healthy_[event.data.u64];
      read_publishes(each, [&](std::uint64_t index, std::int64_t now) {
        ++received_;
        if (measuring_)
          latencies_.record(static_cast<std::uint64_t>(now - due_ns_[index % remembered]));
      });
    }
  }

  // They come in order and once; some may be missing. Returns the bytes read.
  template <class Sink>
  std::size_t read_publishes(reader& from, Sink&& sink) {
    const int fd = from.connection.tcp.get();
    const std::size_t got = read_some(fd, buffer_.data(), buffer_.size());
    const std::int64_t now = now_ns();
    from.scanner.feed(buffer_.data(), got, [&](const frame& publish) {
      if (publish.header.data_bytes != payload_bytes || publish.index < from.next ||
          publish.index >= published_)
        throw std::runtime_error("a publish repeated, changed or out of order");
      from.next = std::uint64_t{publish.index} + 1;
      sink(publish.index, now);
    });
    return got;
  }

  // The figures mean nothing unless they were stalled: who was must have missed some.
  void check_stalled() {
    reader& each = stalled_.front();
    const int fd = each.connection.tcp.get();
    set_nonblocking(fd);
    poller waiting;
    waiting.add(fd, EPOLLIN, 0);
    std::uint64_t got = 0;
    while (!waiting.wait_until(now_ns() + silence_ns).empty())
      read_publishes(each, [&](std::uint64_t, std::int64_t) { ++got; });
    if (got == 0 || got >= published_ - stalled_since_)
      throw std::runtime_error("a stalled subscriber has missed nothing, or everything");
  }

  const server& under_test_;
  budget limits_;
  std::string packet_;
  std::vector<std::uint8_t> buffer_;
  std::vector<std::int64_t> due_ns_;
  poller poller_;
  std::vector<reader> healthy_;
  std::vector<reader> stalled_;
  session publisher_;
  histogram latencies_;
  std::uint64_t published_ = 0;
  std::uint64_t stalled_since_ = 0;
  std::uint64_t received_ = 0;  ///< of this stretch, by all that read
  bool measuring_ = false;
};

}  // namespace

void add_stalled(std::vector<scenario>& to) {
  struct shape {
    std::size_t stalled;
    std::size_t all;
  };
  for (const shape each : {shape{2, 7}, shape{50, 100}}) {
    const std::string name =
        std::to_string(each.stalled) + " stalled of " + std::to_string(each.all) + " 1 KiB";
    to.push_back(
        {name, workload::stalled,
         [each](const server& under_test, const budget& limits) {
           return stalled_load(under_test, limits, each.all - each.stalled).run(each.stalled);
         },
         true});
  }
}

}  // namespace bench
