// Hostile clients in numbers, and those that stop reading: bounded memory, and nobody else waits.
#include <poll.h>

#include <atomic>
#include <thread>

#include "hostile.hpp"

namespace hostile_load_test {

using namespace vsoa_test;

/// How many of the connections the server has ended.
std::size_t ended(std::vector<tcp_peer>& peers) {
  std::size_t count = 0;
  for (auto& peer : peers)
    if (peer.wait_end(milliseconds{0}) != ending::none) ++count;
  return count;
}

const std::string small_outbox = R"(    limits: { outbox: 256KiB }
)";

/// Publishes large values until `enough` says so, or for `patience`.
void publish_until(tcp_peer& publisher, const std::function<bool()>& enough) {
  const packet request = rpc(1, "/publish", "\"/big\"", std::string(60000, 'p'));
  const deadline until{patience};
  while (!enough() && !until.passed())
    REQUIRE(publisher.ask_for_reply(request).status == status_success);
}

/// Subscribes and then never reads: the receive buffer is small, so that it shows soon.
tcp_peer stuck_subscriber(const endpoint& server) {
  tcp_peer peer{server, {.local_ip = {}, .receive_buffer = 4096}};
  peer.handshake();
  CHECK(peer.ask(subscribe(1, "/big")).status == status_success);
  return peer;
}

/// Whether the server has ended the connection, found out without reading what it sent.
bool hung_up(const tcp_peer& peer) {
  pollfd entry{.fd = peer.fd(), .events = POLLRDHUP, .revents = 0};
  return ::poll(&entry, 1, 0) > 0;
}

TEST_CASE("300 silent connections make room for those who speak") {
  siege with;
  std::vector<tcp_peer> silent;
  for (int i = 0; i < 300; ++i) {
    silent.emplace_back(with.server);
    if (i % 50 == 49) with.newcomer_is_served();
  }
  // 256 may come from one address: the oldest silent ones had to go, the youngest are still there.
  CHECK(wait_until([&] { return ended(silent) >= 45; }));
  CHECK(silent.front().wait_end() != ending::none);
  with.newcomer_is_served();
  with.grew_at_most(4 * mebibyte);
}

TEST_CASE("the same half through their handshake, whichever limit they reach") {
  std::string limit;
  SUBCASE("clients") {
    limit = "clients";
  }
  SUBCASE("clients_per_address") {
    limit = "clients_per_address";
  }
  SUBCASE("handshakes") {
    limit = "handshakes";
  }
  CAPTURE(limit);
  siege with("    limits: { " + limit + ": 40 }\n");
  const std::string half = servinfo(0, "{}").bytes().substr(0, 21);
  std::vector<tcp_peer> silent;
  for (int i = 0; i < 300; ++i) {
    silent.emplace_back(with.server);
    silent.back().send_some(half);
    if (i % 50 == 49) with.newcomer_is_served();
  }
  CHECK(wait_until([&] { return ended(silent) >= 260; }));
  with.newcomer_is_served();
}

TEST_CASE("sessions that have shaken hands are not displaced; who comes too much is refused") {
  siege with("    limits: { clients_per_address: 10 }\n");
  std::vector<tcp_peer> good;
  for (int i = 0; i < 9; ++i)
    good.emplace_back(with.server).handshake();
  for (int i = 0; i < 20; ++i) {
    tcp_peer late{with.server};
    CHECK(late.wait_end() != ending::none);
  }
  for (auto& client : good)
    CHECK(client.ask(ping(1)).seqno == 1);
  // Other addresses have places of their own.
  tcp_peer elsewhere{with.server, {.local_ip = "127.0.0.2", .receive_buffer = 0}};
  CHECK(elsewhere.handshake().status == status_success);
  good.pop_back();
  CHECK(wait_until([&] {
    tcp_peer next{with.server};
    return bool{(next.send_some(servinfo(0).bytes()), next.try_read(patience))};
  }));
}

TEST_CASE("resets at every stage") {
  siege with;
  for (int i = 0; i < 300; ++i) {
    tcp_peer offender{with.server};
    if (i % 4 == 1) offender.send_some(servinfo(0).bytes().substr(0, 10));
    if (i % 4 >= 2) offender.handshake();
    if (i % 4 == 3) {
      for (std::uint32_t n = 0; n < 20; ++n)
        offender.send_some(rpc(n, "/echo", "", std::string(5000, 'x')).bytes());
      offender.send_some(subscribe(99, "/big").bytes());
    }
    offender.reset_connection();
  }
  with.newcomer_is_served();
  with.grew_at_most(6 * mebibyte);
}

TEST_CASE("connections that end as soon as they begin, from several threads") {
  siege with;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i)
        tcp_peer{with.server}.reset_connection();
    });
  for (auto& thread : threads)
    thread.join();
  with.newcomer_is_served();
}

TEST_CASE("subscribers that stop reading are cut off, the others get everything") {
  siege with(small_outbox);
  tcp_peer publisher{with.server};
  publisher.handshake();
  std::vector<tcp_peer> stuck;
  for (int i = 0; i < 6; ++i)
    stuck.push_back(stuck_subscriber(with.server));

  tcp_peer reader{with.server};
  reader.handshake();
  CHECK(reader.ask(subscribe(1, "/big")).status == status_success);
  std::atomic<int> received{0};
  std::atomic<bool> done{false};
  std::thread reading([&] {
    while (!done)
      if (const auto got = reader.try_read(milliseconds{20})) received += got->url == "/big";
  });
  int published = 0;
  publish_until(publisher, [&] {
    // Not faster than the good one reads: it is the stuck ones that are on trial.
    wait_until([&] { return received >= published; });
    ++published;
    for (const auto& peer : stuck)
      if (!hung_up(peer)) return false;
    return true;
  });
  CHECK(wait_until([&] { return received >= published - 1; }));
  done = true;
  reading.join();
  for (auto& peer : stuck)
    CHECK(peer.wait_end() != ending::none);
  with.grew_at_most(6 * 256 * kibibyte + 8 * mebibyte);
}

TEST_CASE("slow_consumer: drop keeps them, and what they read is whole packets") {
  siege with("    limits: { outbox: 256KiB, slow_consumer: drop, send_timeout: 1m }\n");
  tcp_peer publisher{with.server};
  publisher.handshake();
  tcp_peer stuck = stuck_subscriber(with.server);
  int published = 0;
  publish_until(publisher, [&] { return ++published > 200; });  // 12 MB
  with.grew_at_most(256 * kibibyte + 8 * mebibyte);
  CHECK_FALSE(hung_up(stuck));
  stuck.send(ping(77));
  int received = 0;
  for (packet got = stuck.read(); got.type != type_pingecho; got = stuck.read()) {
    CHECK(got.url == "/big");
    CHECK(got.data == std::string(60000, 'p'));
    ++received;
  }
  CHECK(received >= 1);
  CHECK(received < 200);
  CHECK(publisher.ask_for_reply(rpc(2, "/publish", "\"/big\"", "end")).status == status_success);
  // From the publisher's loop one of the many may still have been on its way.
  packet last = stuck.read();
  while (last.data == std::string(60000, 'p'))
    last = stuck.read();
  CHECK(last.data == "end");
}

TEST_CASE("a caller that never reads its replies is cut off") {
  siege with(small_outbox);
  tcp_peer offender{with.server, {.local_ip = {}, .receive_buffer = 4096}};
  offender.handshake();
  const std::string request = rpc(1, "/echo", "", std::string(100000, 'x')).bytes();
  const deadline until{patience};
  std::size_t at = 0;
  while (!hung_up(offender) && !until.passed()) {
    const std::size_t sent = offender.send_some(std::string_view(request).substr(at));
    at = (at + sent) % request.size();
    if (sent == 0) wait_until([&] { return hung_up(offender); }, milliseconds{20});
  }
  CHECK(hung_up(offender));
  with.grew_at_most(8 * mebibyte);
  with.newcomer_is_served();
}

TEST_CASE("many callers that never read, with small calls") {
  siege with(small_outbox);
  std::string burst;
  for (std::uint32_t n = 0; n < 2000; ++n)
    burst += rpc(n, "/echo", "1", "0123456789").bytes();
  std::vector<tcp_peer> offenders;
  for (int i = 0; i < 20; ++i) {
    offenders.emplace_back(with.server, tcp_options{.local_ip = {}, .receive_buffer = 4096});
    offenders.back().handshake();
  }
  for (int round = 0; round < 10; ++round)
    for (auto& offender : offenders)
      offender.send_some(burst);
  with.newcomer_is_served();
  with.grew_at_most(20 * (256 + 256) * kibibyte + 8 * mebibyte);
}

}  // namespace hostile_load_test
