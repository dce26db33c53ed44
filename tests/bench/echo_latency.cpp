// One request, one answer, then the next: the round trip that a caller sees.
#include <stdexcept>

#include "dialects.hpp"
#include "scenario.hpp"
#include "session.hpp"

namespace bench {
namespace {

constexpr std::uint32_t packets = 16;

template <class Dialect>
sample run(const server& under_test, const budget& limits, std::size_t payload_bytes) {
  std::vector<std::string> requests;
  for (std::uint32_t i = 0; i < packets; ++i) {
    const std::string payload = build_payload(i, payload_bytes);
    requests.push_back(Dialect::request(i, echo_url, payload));
  }
  const session connection = Dialect::open(under_test.at);
  const int fd = connection.tcp.get();
  std::vector<std::uint8_t> buffer(2 * requests[0].size() + header_bytes);
  typename Dialect::scanner scanner(limits.smoke);
  histogram latencies;
  stopwatch watch(limits, under_test.pid);
  std::uint64_t done = 0;
  do {
    const auto index = static_cast<std::uint32_t>(done % packets);
    const std::int64_t start = now_ns();
    write_all(fd, requests[index]);
    bool answered = false;
    while (!answered) {
      const std::size_t got = read_some(fd, buffer.data(), buffer.size());
      if (got == 0) throw std::runtime_error("no answer to a request");
      scanner.feed(buffer.data(), got, [&](const frame& reply) {
        const packet_header& header = reply.header;
        answered = header.type == static_cast<std::uint8_t>(packet_type::rpc) &&
                   header.status == 0 && header.seqno == index && reply.index == index &&
                   header.data_bytes == payload_bytes;
        if (!answered) throw std::runtime_error("an answer that does not fit its request");
      });
    }
    if (watch.measuring()) latencies.record(static_cast<std::uint64_t>(now_ns() - start));
    ++done;
  } while (watch.running(now_ns(), done));
  sample result;
  report_latency(result, latencies);
  watch.report(result, "requests");
  return result;
}

}  // namespace

void add_echo_latency(std::vector<scenario>& to) {
  const auto add = [&to](const char* name, workload needs, std::size_t bytes) {
    to.push_back({std::string(name) + " 1x1 " + size_name(bytes), needs,
                  [bytes](const server& under_test, const budget& limits) {
                    return with_request_dialect(under_test.speaks, [&](auto dialect) {
                      return run<decltype(dialect)>(under_test, limits, bytes);
                    });
                  }});
  };
  for (const std::size_t bytes : {std::size_t{16}, std::size_t{1024}, std::size_t{65536}})
    add("echo latency", workload::echo, bytes);
  for (const std::size_t bytes : {std::size_t{16}, std::size_t{1024}})
    add("isolated latency", workload::isolated, bytes);
}

}  // namespace bench
