// Datagrams that the server itself publishes.

#include <doctest/doctest.h>

#include <mutex>

#include "test_server.hpp"

namespace relay_test {

using namespace vsoa_test;
using to = vsoa::server::datagram_route;

constexpr int many = 3000;  // several blocks of the log

to by_name(std::string_view url) {
  if (url.starts_with("/relay")) return to::relay;
  return url.starts_with("/both") ? to::both : to::tell;
}

std::string numbers(const std::string& url) {
  std::string stream;
  for (int i = 0; i < many; ++i)
    stream += datagram(url, std::to_string(i), std::string(20, 'x')).bytes();
  return stream;
}

TEST_CASE("relayed: all subscribers get each, in order, with one question for many") {
  for (const std::size_t loops : {1U, 3U}) {
    test_server server({}, loops);
    std::atomic<int> asked{0};
    std::atomic<int> told{0};
    server->route_datagrams([&](std::string_view url) {
      ++asked;
      return by_name(url);
    });
    server->on_datagram(
        [&](vsoa::client_id, std::string_view, vsoa::payload_view, vsoa::channel) { ++told; });
    server.start();
    std::vector<tcp_peer> subscribers;
    for (int i = 0; i < 4; ++i) {
      subscribers.push_back(server.client());
      subscribe_to(subscribers.back(), "/relay/");
    }
    tcp_peer producer = server.client();
    producer.send(numbers("/relay/x"));
    for (tcp_peer& each : subscribers) {
      for (int i = 0; i < many; ++i) {
        const packet p = each.read();
        REQUIRE(p.type == type_publish);
        REQUIRE(p.url == "/relay/x");
        REQUIRE(p.param == std::to_string(i));
        REQUIRE(p.data == std::string(20, 'x'));
        REQUIRE(p.seqno == 0);
      }
    }
    const auto stats = server->stats();
    CHECK(stats.relayed == many);
    CHECK(stats.publishes == many);
    CHECK(stats.datagrams_in == many);
    CHECK(stats.deliveries == 4 * many);
    CHECK(told == 0);
    CHECK(asked < many / 10);
  }
}

TEST_CASE("told, relayed and both, in turns, keep their order") {
  test_server server;
  std::mutex mutex;
  std::string told;
  server->route_datagrams(by_name);
  server->on_datagram([&](vsoa::client_id, std::string_view, vsoa::payload_view p, vsoa::channel) {
    const std::lock_guard lock(mutex);
    told += p.param;
  });
  server.start();
  tcp_peer all = server.client();
  subscribe_to(all, "/");
  tcp_peer producer = server.client();
  std::string stream;
  for (const char* url : {"/relay", "/relay", "/both", "/both", "/tell", "/relay", "/both"})
    stream += datagram(url, std::to_string(stream.size() / 28)).bytes();
  producer.send(stream);
  std::string published;
  for (int i = 0; i < 6; ++i)
    published += all.read().param;
  producer.ask_for_reply(ping(1));
  CHECK(published == "012356");
  const std::lock_guard lock(mutex);
  CHECK(told == "2346");
}

TEST_CASE("what may not be published is not relayed") {
  test_server server;
  server->route_datagrams([](std::string_view) { return to::relay; });
  server.start();
  tcp_peer all = server.client();
  subscribe_to(all, "/");
  tcp_peer producer = server.client();
  const std::string bad = datagram("no slash", "1").bytes() + datagram("/\xFF", "2").bytes();
  producer.send(bad + bad + datagram("/good", "3").bytes());
  CHECK(all.read().param == "3");
  CHECK(server->stats().relayed == 1);
}

TEST_CASE("large packets, and an outbox that has no room for a train") {
  vsoa::server_options options;
  options.limits.outbox = 256 * 1024;
  options.limits.slow = vsoa::slow_consumer::drop;
  test_server server(std::move(options));
  server->route_datagrams(by_name);
  server.start();
  tcp_peer reader = server.client();
  subscribe_to(reader, "/relay");
  tcp_peer asleep = server.client(0, {.local_ip = {}, .receive_buffer = 4096});
  subscribe_to(asleep, "/relay");
  tcp_peer producer = server.client();
  for (int i = 0; i < 200; ++i) {
    const std::string one =
        datagram("/relay", std::to_string(i % 10), std::string(i % 2 == 0 ? 50000 : 1000, 'd'))
            .bytes();
    producer.send(one + one);
    for (int n = 0; n < 2; ++n)
      REQUIRE(reader.read().param == std::to_string(i % 10));
    CHECK(server->stats().outbox_bytes <= 2 * 256 * 1024);
  }
  CHECK(server->stats().dropped > 0);
  CHECK(server->stats().relayed == 400);
}

TEST_CASE("quick datagrams are relayed on the quick channel") {
  test_server server;
  server->route_datagrams(by_name);
  server.start();
  udp_peer ears;
  tcp_peer subscriber = server.client(ears.port());
  subscribe_to(subscriber, "/relay");
  udp_peer mouth;
  tcp_peer producer = server.client(mouth.port());
  mouth.send_to(server.at(), datagram("/relay", "1", {}, producer.client_id()));
  const auto got = ears.receive_packet();
  REQUIRE(got.has_value());
  CHECK(got->type == type_publish);
  CHECK(got->param == "1");
  CHECK(server->stats().relayed == 1);
}

}  // namespace relay_test
