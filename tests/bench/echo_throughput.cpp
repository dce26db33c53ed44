// Many requests in flight on one or more connections, one thread: as fast as the answers come.
#include <stdexcept>

#include "dialects.hpp"
#include "line.hpp"
#include "packet_ring.hpp"
#include "scenario.hpp"

namespace bench {
namespace {

constexpr std::size_t read_bytes = 256U * 1024;
constexpr int wait_ms = 100;
constexpr std::int64_t drain_limit_ns = 10'000'000'000;

struct load_shape {
  std::size_t payload_bytes;
  std::size_t connections;
  std::size_t depth;  ///< in flight on each connection
};

template <class Scanner>
struct connection_state {
  connection_state(line opened, bool verify, std::size_t depth)
      : connection(std::move(opened)), scanner(verify), issued_ns(depth) {}

  line connection;
  Scanner scanner;
  std::vector<std::int64_t> issued_ns;  ///< of request i at i modulo depth
  std::uint64_t sent_bytes = 0;
  std::uint64_t issued = 0;
  std::uint64_t answered = 0;
  bool blocked = false;
};

template <class Dialect>
class echo_load {
  using caller = connection_state<typename Dialect::scanner>;

 public:
  echo_load(const server& under_test, const budget& limits, const load_shape& shape)
      : shape_(shape),
        ring_(make_ring(shape.payload_bytes)),
        buffer_(read_bytes),
        watch_(limits, under_test.pid) {
    for (std::size_t i = 0; i < shape.connections; ++i) {
      caller& each = callers_.emplace_back(open(under_test), limits.smoke, shape.depth);
      set_nonblocking(each.connection.tcp.get());
      poller_.add(each.connection.tcp.get(), EPOLLIN, i);
    }
  }

  sample run() {
    const std::int64_t start = now_ns();
    for (caller& each : callers_) {
      for (std::size_t i = 0; i < shape_.depth; ++i)
        issue(each, start);
      send(each);
    }
    while (turn(true)) {
    }
    const std::int64_t limit = now_ns() + drain_limit_ns;
    while (answered_ < issued_) {
      turn(false);
      if (now_ns() > limit) throw std::runtime_error("requests without an answer");
    }
    sample result;
    watch_.report(result, "requests");
    report_latency(result, latencies_);
    return result;
  }

 private:
  static packet_ring make_ring(std::size_t payload_bytes) {
    const auto build = [payload_bytes](std::uint32_t i) {
      return Dialect::request(i, echo_url, build_payload(i, payload_bytes));
    };
    return {ring_size_for(payload_bytes), build};
  }

  static line open(const server& under_test) {
    if (!under_test.secure) return {Dialect::open(under_test.at).tcp};
    line opened = open_line(under_test.at, true);
    shake_hands(opened);
    return opened;
  }

  void issue(caller& by, std::int64_t now) {
    by.issued_ns[by.issued % shape_.depth] = now;
    ++by.issued;
    ++issued_;
  }

  // One wake of the load side. False when the round is over.
  bool turn(bool reissue) {
    for (const epoll_event& event : poller_.wait(wait_ms)) {
      caller& each = callers_[event.data.u64];
      if ((event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) receive(each, reissue);
      send(each);
    }
    return reissue && watch_.running(now_ns(), answered_);
  }

  void receive(caller& each, bool reissue) {
    std::size_t got = 0;
    do {
      got = read_some(each.connection, buffer_.data(), buffer_.size());
      take(each, got, reissue);
    } while (each.connection.tls && got == buffer_.size());
  }

  // What was issued together mostly comes back together, and is recorded together.
  void take(caller& each, std::size_t got, bool reissue) {
    const std::int64_t now = now_ns();
    std::int64_t issued_at = now;
    std::uint64_t together = 0;
    each.scanner.feed(buffer_.data(), got, [&](const frame& reply) {
      check(each, reply);
      const std::int64_t this_issued_at = each.issued_ns[each.answered % shape_.depth];
      if (this_issued_at != issued_at) {
        record(now - issued_at, together);
        issued_at = this_issued_at;
        together = 0;
      }
      ++together;
      ++each.answered;
      if (reissue) issue(each, now);
    });
    record(now - issued_at, together);
  }

  void record(std::int64_t latency_ns, std::uint64_t times) {
    answered_ += times;
    if (watch_.measuring() && times > 0)
      latencies_.record(static_cast<std::uint64_t>(latency_ns), times);
  }

  void check(const caller& by, const frame& reply) const {
    const packet_header& header = reply.header;
    const auto expected = static_cast<std::uint32_t>(by.answered % ring_.count());
    if (header.type != static_cast<std::uint8_t>(packet_type::rpc) || header.status != 0 ||
        header.seqno != expected || reply.index != expected ||
        header.data_bytes != shape_.payload_bytes)
      throw std::runtime_error("an answer that does not fit its request, or out of order");
  }

  void send(caller& each) {
    const std::uint64_t allowed = each.issued * ring_.packet_bytes();
    const bool blocked = !send_from_ring(each.connection, ring_, each.sent_bytes, allowed);
    if (blocked == each.blocked) return;
    each.blocked = blocked;
    const auto tag = static_cast<std::uint64_t>(&each - callers_.data());
    poller_.modify(each.connection.tcp.get(), blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, tag);
  }

  load_shape shape_;
  packet_ring ring_;
  std::vector<std::uint8_t> buffer_;
  poller poller_;
  std::vector<caller> callers_;
  histogram latencies_;
  stopwatch watch_;
  std::uint64_t issued_ = 0;
  std::uint64_t answered_ = 0;
};

void add(std::vector<scenario>& to, const std::string& kind, workload work,
         const load_shape& shape) {
  const std::string name = kind + ' ' + std::to_string(shape.connections) + 'x' +
                           std::to_string(shape.depth) + ' ' + size_name(shape.payload_bytes);
  to.push_back({name, work, [shape](const server& under_test, const budget& limits) {
                  return with_request_dialect(under_test.speaks, [&](auto dialect) {
                    return echo_load<decltype(dialect)>(under_test, limits, shape).run();
                  });
                }});
}

}  // namespace

void add_echo_throughput(std::vector<scenario>& to) {
  for (const load_shape& shape :
       {load_shape{16, 1, 64}, load_shape{1024, 1, 64}, load_shape{65536, 1, 64},
        load_shape{16, 8, 64}, load_shape{1024, 8, 64}, load_shape{16, 16, 16},
        load_shape{1024, 16, 16}}) {
    add(to, "echo throughput", workload::echo, shape);
  }
  for (const load_shape& shape : {load_shape{16, 1, 64}, load_shape{1024, 1, 64},
                                  load_shape{16, 8, 64}, load_shape{65536, 1, 64}}) {
    add(to, "forwarded echo", workload::forward, shape);
  }
  for (const load_shape& shape : {load_shape{16, 1, 64}, load_shape{1024, 1, 64},
                                  load_shape{16, 16, 16}, load_shape{65536, 1, 64}}) {
    add(to, "isolated echo", workload::isolated, shape);
  }
}

void add_tls_echo(std::vector<scenario>& to) {
  for (const load_shape& shape : {load_shape{16, 1, 64}, load_shape{1024, 1, 64},
                                  load_shape{16, 16, 16}, load_shape{1024, 16, 16}}) {
    add(to, "tls echo", workload::tls, shape);
  }
}

}  // namespace bench
