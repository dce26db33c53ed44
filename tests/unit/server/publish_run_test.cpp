// Publishes that one turn brings together: they leave as one, and look as if each had left alone.

#include <doctest/doctest.h>

#include <algorithm>

#include "test_server.hpp"

namespace publish_run_test {

using namespace vsoa_test;

constexpr int many = 1000;

vsoa::payload_view number(const std::string& text) {
  return text_payload(text);
}

TEST_CASE("publishes of one turn on one URL arrive one by one, with a write for all of them") {
  test_server server;
  server.start();
  std::vector<tcp_peer> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(server.client());
    subscribe_to(peers.back(), "/run");
  }
  server.settle();
  const auto before = server->stats();
  server.run_on_loop(0, [&] {
    for (int i = 0; i < many; ++i)
      CHECK(server->publish("/run", number(std::to_string(i))));
  });
  for (tcp_peer& peer : peers) {
    for (int i = 0; i < many; ++i)
      REQUIRE(peer.read().param == std::to_string(i));
  }
  const auto after = server->stats();
  CHECK(after.deliveries - before.deliveries == 3 * many);
  CHECK(after.publishes - before.publishes == many);
  // All of a turn's bytes for a client are one gathered write, or two where they fill a socket.
  CHECK(after.writes - before.writes <= 6);
}

TEST_CASE("URLs in turns keep their order, for each audience its own") {
  test_server server;
  server.start();
  tcp_peer both = server.client();
  tcp_peer one = server.client();
  subscribe_to(both, "/a");
  subscribe_to(both, "/b");
  subscribe_to(one, "/b");
  server.run_on_loop(0, [&] {
    for (int i = 0; i < many; ++i)
      server->publish(i % 3 == 0 ? "/a" : "/b", number(std::to_string(i)));
  });
  for (int i = 0; i < many; ++i) {
    const packet p = both.read();
    REQUIRE(p.param == std::to_string(i));
    REQUIRE(p.url == (i % 3 == 0 ? "/a" : "/b"));
    if (i % 3 != 0) REQUIRE(one.read().param == std::to_string(i));
  }
}

TEST_CASE("what else a subscriber is sent keeps its place among the publishes") {
  test_server server;
  server->command("/call", [&](vsoa::call& c) {
    server->publish("/run", number("before the reply"));
    c.reply(vsoa::status::success, number("reply"));
    server->publish("/run", number("behind the reply"));
  });
  server.start();
  tcp_peer peer = server.client();
  subscribe_to(peer, "/run");
  peer.send(rpc(1, "/call"));
  CHECK(peer.read().param == "before the reply");
  CHECK(peer.read().param == "reply");
  CHECK(peer.read().param == "behind the reply");

  const auto id = peer.client_id();
  server.run_on_loop(0, [&] {
    server->publish("/run", number("1"));
    CHECK(server->datagram(id, "/d", number("2")));
    server->publish("/run", number("3"));
    CHECK(server->publish_to(id, "/run", number("4")));
    server->publish("/run", number("5"));
    CHECK(server->set_priority(id, 3));
    server->publish("/run", number("7"));
  });
  for (const char* expected : {"1", "2", "3", "4", "5"})
    CHECK(peer.read().param == expected);
  CHECK(peer.read().type == type_qossetup);
  CHECK(peer.read().param == "7");
}

TEST_CASE("who is authed, subscribed and there counts at each publish") {
  test_server server;
  server->command("/call", [&](vsoa::call& c) {
    server->publish("/run", number(std::to_string(c.seqno())));
    c.reply(vsoa::status::success);
  });
  server.start();
  tcp_peer staying = server.client();
  tcp_peer peer = server.client();
  tcp_peer leaving = server.client();
  for (tcp_peer* each : {&staying, &peer, &leaving})
    subscribe_to(*each, "/run");
  server.run_on_loop(0, [&] {
    server->publish("/run", number("a"));
    server->set_authed(peer.client_id(), false);
    server->publish("/run", number("b"));
    server->set_authed(peer.client_id(), true);
    server->close(leaving.client_id());
    server->publish("/run", number("c"));
  });
  for (const char* expected : {"a", "b", "c"})
    CHECK(staying.read().param == expected);
  for (const char* expected : {"a", "c"})
    CHECK(peer.read().param == expected);
  CHECK(leaving.wait_end() != ending::none);

  // In one read: subscribed, then not, then again.
  peer.send(rpc(1, "/call").bytes() + unsubscribe(2, "/run").bytes() + rpc(3, "/call").bytes() +
            subscribe(4, "/run").bytes() + rpc(5, "/call").bytes());
  std::vector<std::string> seen;
  for (int replies = 0; replies < 5;) {
    const packet p = peer.read();
    if (p.type == type_publish) seen.push_back(p.param);
    if (p.type != type_publish) ++replies;
  }
  CHECK(seen == std::vector<std::string>{"1", "5"});
  for (const char* expected : {"1", "3", "5"})
    CHECK(staying.read().param == expected);
}

TEST_CASE("of a run that does not fit as much is delivered as there is room for") {
  vsoa::server_options options;
  options.limits.outbox = 20000;
  options.limits.slow = vsoa::slow_consumer::drop;
  test_server server(options);
  server.start();
  tcp_peer peer = server.client(0, {.local_ip = {}, .receive_buffer = 4096});
  subscribe_to(peer, "/run");
  const std::string data(1000, 'x');
  int published = 0;
  while (server->stats().dropped == 0) {
    REQUIRE(published < 100000);
    server.run_on_loop(0, [&] {
      for (int i = 0; i < 40; ++i)
        server->publish("/run", text_payload(std::to_string(published++), data));
    });
    server.settle();
  }
  const auto stats = server->stats();
  CHECK(stats.deliveries + stats.dropped == static_cast<std::uint64_t>(published));
  CHECK(stats.dropped < 40);
  CHECK(stats.outbox_bytes <= options.limits.outbox);
  // The first that were too many are missing, and nothing else.
  for (std::uint64_t i = 0; i < stats.deliveries; ++i)
    REQUIRE(peer.read().param == std::to_string(i));
  CHECK(peer.ask(ping(1)).type == type_pingecho);
}

}  // namespace publish_run_test
