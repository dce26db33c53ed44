// An inline call costs no heap allocation once the loop is warm. In a program of its own, since it
// counts them.

#include <doctest/doctest.h>

#include <atomic>

#include "counted_new.hpp"
#include "test_server.hpp"

namespace {

thread_local bool counting = false;  // only on the loop's thread
std::atomic<std::size_t> allocations = 0;

}  // namespace

void note_allocation(std::size_t) noexcept {
  if (counting) ++allocations;
}

namespace {

using namespace vsoa_test;

// Allocations of the loop while `exchange` is repeated, after a few rounds to warm up.
template <class Exchange>
std::size_t measure(test_server& server, const Exchange& exchange) {
  for (int i = 0; i < 200; ++i)
    exchange();
  server.run_on_loop(0, [] {
    allocations = 0;
    counting = true;
  });
  for (int i = 0; i < 1000; ++i)
    exchange();
  const std::size_t counted_now = allocations;
  server.run_on_loop(0, [] { counting = false; });
  return counted_now;
}

TEST_CASE("an inline call costs no allocation") {
  test_server server;
  server->command("/echo", echo);
  server->command("/tree/", echo);
  server.start();
  tcp_peer peer = server.client();
  CHECK(measure(server, [&] { peer.ask(rpc(1, "/echo", "{}", "data")); }) == 0);
  CHECK(measure(server, [&] { peer.ask(rpc(1, "/tree/a/b/c")); }) == 0);
  CHECK(measure(server, [&] { peer.ask(rpc(1, "/unknown")); }) == 0);
  CHECK(measure(server, [&] { peer.ask(ping(1)); }) == 0);
  std::string batch;
  for (std::uint32_t i = 0; i < 64; ++i)
    batch += rpc(i, "/echo", "{}").bytes();
  CHECK(measure(server, [&] {
          peer.send(batch);
          for (std::uint32_t i = 0; i < 64; ++i)
            peer.read();
        }) == 0);
}

TEST_CASE("a publish from a handler to subscribers of the same loop costs no allocation") {
  test_server server;
  server->command("/say", [&](vsoa::call& c) { server->publish("/t", c.payload()); });
  server.start();
  tcp_peer caller = server.client();
  tcp_peer subscriber = server.client();
  subscribe_to(subscriber, "/t");
  CHECK(measure(server, [&] {
          caller.send(rpc(1, "/say", "{}"));
          subscriber.read();
        }) == 0);
}

TEST_CASE("nor do many, to several subscribers, on one URL or in turns on two") {
  constexpr int many = 64;
  test_server server;
  server->on_datagram([&](vsoa::client_id, std::string_view url, vsoa::payload_view payload,
                          vsoa::channel) { server->publish(url, payload); });
  server.start();
  tcp_peer publisher = server.client();
  std::vector<tcp_peer> subscribers;
  for (int i = 0; i < 3; ++i) {
    subscribers.push_back(server.client());
    subscribe_to(subscribers.back(), "/t/");
  }
  for (const int urls : {1, 2}) {
    std::string batch;
    for (int i = 0; i < many; ++i)
      batch += datagram("/t/" + std::to_string(i % urls), "{}", "data").bytes();
    CHECK(measure(server, [&] {
            publisher.send(batch);
            for (tcp_peer& each : subscribers) {
              for (int i = 0; i < many; ++i)
                each.read();
            }
          }) == 0);
  }
}

TEST_CASE("a large answer leaves from where it lies: no block is made for a copy") {
  const std::string large(20U << 10, 'x');
  test_server server;
  server->command(
      "/large", [&](vsoa::call& c) { c.reply(vsoa::status::success, text_payload("{}", large)); });
  server.start();
  tcp_peer peer = server.client();
  CHECK(measure(server, [&] { peer.ask(rpc(1, "/large")); }) == 0);
  CHECK(peer.ask(rpc(1, "/large")).data == large);
}

TEST_CASE("what comes as one piece is read at once and answered at once") {
  constexpr std::uint32_t calls = 32;  // of more, the first half would leave before the rest
  constexpr int rounds = 20;
  test_server server;
  server->command("/echo", echo);
  server.start();
  tcp_peer peer = server.client();
  peer.ask(ping(1));
  std::string batch;  // less than a segment, so that it comes as one piece
  for (std::uint32_t i = 0; i < calls; ++i)
    batch += rpc(i, "/echo", "{}").bytes();
  const auto before = server->stats();
  for (int round = 0; round < rounds; ++round) {
    peer.send(batch);
    for (std::uint32_t i = 0; i < calls; ++i)
      peer.read();
  }
  const auto after = server->stats();
  CHECK(after.calls - before.calls == rounds * calls);
  CHECK(after.reads - before.reads == rounds);
  CHECK(after.writes - before.writes == rounds);
}

}  // namespace
