// One publisher, many subscribers: the publisher stays a bounded window ahead of the slowest.
#include "fanout.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "dialects.hpp"
#include "packet_ring.hpp"
#include "session.hpp"

namespace bench {
namespace {

constexpr std::size_t read_bytes = 256U * 1024;
constexpr int wait_ms = 100;
constexpr std::int64_t drain_limit_ns = 10'000'000'000;
constexpr std::uint64_t max_window_publishes = 4096;
constexpr std::uint64_t min_window_publishes = 8;
constexpr std::uint64_t window_bytes = 1 << 20;
constexpr std::uint64_t publisher_tag = UINT64_MAX;

// Published on in turn when there are to be many URLs; all of the same length, all below one.
constexpr std::string_view many_urls = "/bench/load/";
constexpr const char* many_urls_format = "/bench/load/%05u";

template <class Scanner>
struct subscriber_state {
  subscriber_state(session opened, bool verify) : connection(std::move(opened)), scanner(verify) {}

  session connection;
  Scanner scanner;
  std::uint64_t received = 0;
};

template <class Dialect>
class fanout_load {
  using subscriber = subscriber_state<typename Dialect::scanner>;

 public:
  fanout_load(const server& under_test, const budget& limits, const fanout_shape& shape)
      : payload_bytes_(shape.payload_bytes),
        ring_(make_ring(shape)),
        window_(std::clamp(window_bytes / ring_.packet_bytes(), min_window_publishes,
                           max_window_publishes)),
        buffer_(read_bytes),
        watch_(limits, under_test.pid) {
    for (std::size_t i = 0; i < shape.subscribers; ++i) {
      subscriber& each = subscribers_.emplace_back(Dialect::open(under_test.at), limits.smoke);
      Dialect::subscribe(each.connection, shape.many_urls ? many_urls : publish_url);
      set_nonblocking(each.connection.tcp.get());
      poller_.add(each.connection.tcp.get(), EPOLLIN, i);
    }
    publisher_ = Dialect::open(under_test.at);
    set_nonblocking(publisher_.tcp.get());
    poller_.add(publisher_.tcp.get(), EPOLLIN, publisher_tag);
  }

  sample run() {
    publish();
    while (turn())
      publish();
    // The last packet may have left in part: it is completed, and nothing is added.
    published_bytes_ =
        (sent_bytes_ + ring_.packet_bytes() - 1) / ring_.packet_bytes() * ring_.packet_bytes();
    const std::uint64_t expected = published_bytes_ / ring_.packet_bytes() * subscribers_.size();
    const std::int64_t limit = now_ns() + drain_limit_ns;
    while (deliveries_ < expected) {
      send();
      turn();
      if (now_ns() > limit) throw std::runtime_error("publishes without a delivery");
    }
    sample result;
    watch_.report(result, "deliveries");
    return result;
  }

 private:
  static packet_ring make_ring(const fanout_shape& shape) {
    const auto build = [&shape](std::uint32_t i) {
      char url[32];
      std::snprintf(url, sizeof url, many_urls_format, i);
      return Dialect::publish(shape.many_urls ? std::string_view(url) : publish_url,
                              build_payload(i, shape.payload_bytes));
    };
    return {ring_size_for(shape.payload_bytes), build};
  }

  // One wake of the load side. False when the round is over.
  bool turn() {
    for (const epoll_event& event : poller_.wait(wait_ms)) {
      if (event.data.u64 != publisher_tag) {
        receive(subscribers_[event.data.u64]);
      } else if ((event.events & EPOLLOUT) != 0) {
        send();
      } else {
        read_some(publisher_.tcp.get(), buffer_.data(), buffer_.size());
      }
    }
    if (!over_) over_ = !watch_.running(now_ns(), deliveries_);
    return !over_;
  }

  void receive(subscriber& each) {
    const int fd = each.connection.tcp.get();
    const std::size_t got = read_some(fd, buffer_.data(), buffer_.size());
    each.scanner.feed(buffer_.data(), got, [&](const frame& publish) {
      const std::uint8_t type = publish.header.type;
      const bool is_publish = type == static_cast<std::uint8_t>(packet_type::publish) ||
                              type == static_cast<std::uint8_t>(packet_type::datagram);
      if (!is_publish || publish.index != each.received % ring_.count() ||
          publish.header.data_bytes != payload_bytes_)
        throw std::runtime_error("a publish lost, repeated or changed");
      ++each.received;
      ++deliveries_;
    });
  }

  // Waits for an eighth of the window, so that the publisher's writes stay large.
  void publish() {
    std::uint64_t slowest = UINT64_MAX;
    for (const subscriber& each : subscribers_)
      slowest = std::min(slowest, each.received);
    const std::uint64_t allowed = (slowest + window_) * ring_.packet_bytes();
    if (allowed - published_bytes_ < window_ * ring_.packet_bytes() / 8) return;
    published_bytes_ = allowed;
    send();
  }

  void send() {
    const int fd = publisher_.tcp.get();
    const bool blocked = !send_from_ring(fd, ring_, sent_bytes_, published_bytes_);
    if (blocked == blocked_) return;
    blocked_ = blocked;
    poller_.modify(fd, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, publisher_tag);
  }

  std::size_t payload_bytes_;
  packet_ring ring_;
  std::uint64_t window_;
  std::vector<std::uint8_t> buffer_;
  poller poller_;
  std::vector<subscriber> subscribers_;
  session publisher_;
  stopwatch watch_;
  std::uint64_t published_bytes_ = 0;  ///< may be sent
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t deliveries_ = 0;
  bool blocked_ = false;
  bool over_ = false;
};

}  // namespace

sample run_fanout(const server& under_test, const budget& limits, const fanout_shape& shape) {
  return with_publish_dialect(under_test.speaks, [&](auto dialect) {
    return fanout_load<decltype(dialect)>(under_test, limits, shape).run();
  });
}

void add_fanout(std::vector<scenario>& to) {
  for (const std::size_t bytes : {std::size_t{16}, std::size_t{1024}, std::size_t{65536}}) {
    for (const std::size_t subscribers : {std::size_t{1}, std::size_t{10}, std::size_t{100}}) {
      const std::string name =
          "fan-out 1 to " + std::to_string(subscribers) + ' ' + size_name(bytes);
      to.push_back({name, workload::fanout,
                    [bytes, subscribers](const server& under_test, const budget& limits) {
                      return run_fanout(under_test, limits, {subscribers, bytes});
                    }});
    }
  }
}

}  // namespace bench
