// Requests over TLS, many in flight on one or more connections, and what an idle one costs. The
// load side works as much as the server then: server CPU is the figure to compare.
#include <unistd.h>

#include <stdexcept>

#include "dialects.hpp"
#include "packet_ring.hpp"
#include "process.hpp"
#include "scenario.hpp"
#include "tls_wire.hpp"

namespace bench {
namespace {

constexpr std::size_t read_bytes = 256U * 1024;
constexpr int wait_ms = 100;
constexpr std::int64_t drain_limit_ns = 10'000'000'000;
constexpr std::size_t smoke_connections = 20;
constexpr useconds_t settle_us = 500'000;

struct load_shape {
  std::size_t payload_bytes;
  std::size_t connections;
  std::size_t depth;  ///< in flight on each connection
};

struct caller {
  tls_line line;
  frame_scanner scanner;
  std::uint64_t issued = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t answered = 0;
};

class tls_load {
 public:
  tls_load(const server& under_test, const budget& limits, const load_shape& shape)
      : shape_(shape),
        ring_(ring_size_for(shape.payload_bytes),
              [&](std::uint32_t i) {
                return vsoa_dialect::request(i, echo_url, build_payload(i, shape.payload_bytes));
              }),
        buffer_(read_bytes),
        watch_(limits, under_test.pid) {
    for (std::size_t i = 0; i < shape.connections; ++i) {
      caller& each = callers_.emplace_back();
      each.scanner = frame_scanner(limits.smoke);
      each.line = open_line(under_test.at);
      shake_hands(each.line);
      set_nonblocking(each.line.tcp.get());
      poller_.add(each.line.tcp.get(), EPOLLIN, i);
    }
  }

  sample run() {
    for (caller& each : callers_) {
      each.issued = shape_.depth;
      issued_ += shape_.depth;
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
    return result;
  }

 private:
  // One wake of the load side. False when the round is over.
  bool turn(bool reissue) {
    for (const epoll_event& event : poller_.wait(wait_ms)) {
      caller& each = callers_[event.data.u64];
      const std::size_t got = read_some(each.line, buffer_.data(), buffer_.size());
      each.scanner.feed(buffer_.data(), got, [&](const frame& reply) {
        check(each, reply);
        ++each.answered;
        ++answered_;
        if (!reissue) return;
        ++each.issued;
        ++issued_;
      });
      send(each);
    }
    return reissue && watch_.running(now_ns(), answered_);
  }

  void check(const caller& by, const frame& reply) const {
    const auto expected = static_cast<std::uint32_t>(by.answered % ring_.count());
    if (reply.header.status != 0 || reply.header.seqno != expected || reply.index != expected ||
        reply.header.data_bytes != shape_.payload_bytes)
      throw std::runtime_error("an answer that does not fit its request, or out of order");
  }

  // What is under way fits the sockets' buffers, so that waiting here blocks nobody.
  void send(caller& each) {
    const std::uint64_t allowed = each.issued * ring_.packet_bytes();
    while (each.sent_bytes < allowed) {
      std::array<iovec, 2> pieces{};
      const std::size_t count = ring_.gather(each.sent_bytes, allowed, pieces);
      for (std::size_t i = 0; i < count; ++i) {
        write_all(each.line, {static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len});
        each.sent_bytes += pieces[i].iov_len;
      }
    }
  }

  load_shape shape_;
  packet_ring ring_;
  std::vector<std::uint8_t> buffer_;
  poller poller_;
  std::vector<caller> callers_;
  stopwatch watch_;
  std::uint64_t issued_ = 0;
  std::uint64_t answered_ = 0;
};

sample measure_idle_memory(const server& under_test, const budget& limits) {
  constexpr std::size_t wanted = 1000;
  const std::size_t count = limits.smoke ? smoke_connections : wanted;
  if (!limits.smoke) ::usleep(settle_us);
  const memory_use before = memory_of(under_test.pid);
  std::vector<tls_line> idle;
  for (std::size_t i = 0; i < count; ++i) {
    idle.push_back(open_line(under_test.at));
    shake_hands(idle.back());
  }
  if (!limits.smoke) ::usleep(settle_us);
  const memory_use after = memory_of(under_test.pid);
  const double grown =
      static_cast<double>(after.private_kib) - static_cast<double>(before.private_kib);
  return {{"memory per connection", "KiB", grown / static_cast<double>(count)}};
}

}  // namespace

void add_tls(std::vector<scenario>& to) {
  const load_shape shapes[] = {{16, 1, 64}, {1024, 1, 64}, {16, 16, 16}, {1024, 16, 16}};
  for (const load_shape& shape : shapes) {
    const std::string name = "tls echo " + std::to_string(shape.connections) + 'x' +
                             std::to_string(shape.depth) + ' ' + size_name(shape.payload_bytes);
    to.push_back({name, workload::tls, [shape](const server& under_test, const budget& limits) {
                    return tls_load(under_test, limits, shape).run();
                  }});
  }
  to.push_back({"tls idle connections 1000", workload::tls, measure_idle_memory, true});
}

}  // namespace bench
