// A publish that one subscription out of very many matches: what finding it costs, and whether it
// grows with their number. On one URL, which a server may remember, and on thousands in turn.
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>

#include "fanout.hpp"
#include "packet.hpp"
#include "session.hpp"

namespace bench {
namespace {

constexpr std::size_t clients = 100;
constexpr std::size_t payload_bytes = 16;

// Sent in one piece and answered in one: waiting for each would take longer than the round.
void subscribe_to_others(const session& by, std::size_t client, std::size_t count) {
  std::string requests;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string url =
        std::string(topic_url) + "other" + std::to_string(client) + '/' + std::to_string(i);
    packet_fields fields;
    fields.type = packet_type::subscribe;
    fields.seqno = static_cast<std::uint32_t>(i + 1);
    fields.url = url;
    requests += build_packet(fields);
  }
  write_all(by.tcp.get(), requests);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string answer = read_packet(by.tcp.get());
    const packet_header header = parse_header(reinterpret_cast<const std::uint8_t*>(answer.data()));
    if (header.type != static_cast<std::uint8_t>(packet_type::subscribe) || header.status != 0 ||
        header.seqno != i + 1)
      throw std::runtime_error("a subscription was refused");
  }
}

void check_nothing_came(const session& to) {
  char byte = 0;
  const ssize_t got = ::recv(to.tcp.get(), &byte, 1, MSG_DONTWAIT);
  if (got >= 0) throw std::runtime_error("a publish for somebody else, or the server has closed");
  if (errno != EAGAIN) fail_errno("recv");
}

sample run(const server& under_test, const budget& limits, std::size_t subscriptions,
           bool many_urls) {
  std::vector<session> others;
  const std::size_t wanted = subscriptions - 1;  // the one that matches makes it complete
  for (std::size_t i = 0; i < clients; ++i) {
    others.push_back(open_session(under_test.at));
    subscribe_to_others(others.back(), i, wanted / clients + (i < wanted % clients ? 1 : 0));
  }
  sample result = run_fanout(under_test, limits, {1, payload_bytes, many_urls});
  for (const session& each : others)
    check_nothing_came(each);
  return result;
}

}  // namespace

// With a fresh server each round: one that still forgets the subscriptions of the round before
// would be charged for it.
void add_crowd(std::vector<scenario>& to) {
  for (const bool many_urls : {false, true}) {
    for (const std::size_t thousands : {std::size_t{1}, std::size_t{10}, std::size_t{100}}) {
      const std::string name = std::string("publish on ") + (many_urls ? "8192 URLs" : "1 URL") +
                               " of " + std::to_string(thousands) + "k";
      to.push_back({name, workload::crowd,
                    [thousands, many_urls](const server& under_test, const budget& limits) {
                      return run(under_test, limits, thousands * 1000, many_urls);
                    },
                    true});
    }
  }
}

}  // namespace bench
