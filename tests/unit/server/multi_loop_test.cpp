// One server on several loops.

#include <doctest/doctest.h>
#include <poll.h>

#include <map>
#include <thread>

#include "test_server.hpp"

namespace multi_loop_test {

using namespace std::chrono_literals;
using namespace vsoa_test;

TEST_CASE("clients spread evenly over the loops") {
  for (const std::size_t loops : {1U, 2U, 4U}) {
    test_server server({}, loops);
    server.start();
    std::vector<tcp_peer> peers;
    std::map<std::size_t, int> load;
    for (int i = 0; i < 16; ++i) {
      peers.push_back(server.client());
      ++load[peers.back().client_id() % loops];
    }
    for (const auto& [loop, count] : load)
      CHECK(count == 16 / static_cast<int>(loops));
  }
}

// Publishers call; what they say is published to all subscribers, whatever their loop.
TEST_CASE("publishes cross loops completely, in order of each publisher") {
  constexpr int each = 1000;
  constexpr int publishers = 3;
  for (const std::size_t loops : {1U, 2U, 4U}) {
    CAPTURE(loops);
    test_server server({}, loops);
    server->command("/say", [&](vsoa::call& c) { server->publish("/said", c.payload()); });
    server.start();
    std::vector<tcp_peer> subscribers;
    for (int i = 0; i < 5; ++i) {
      subscribers.push_back(server.client());
      subscribe_to(subscribers.back(), "/said");
    }
    std::vector<std::thread> threads;
    for (int p = 0; p < publishers; ++p) {
      threads.emplace_back([&, p] {
        tcp_peer peer = server.client();
        std::string calls;
        for (int i = 0; i < each; ++i)
          calls += rpc(0, "/say", std::to_string(p), std::to_string(i)).bytes();
        peer.send(calls);
        peer.ask(ping(1));
      });
    }
    for (tcp_peer& subscriber : subscribers) {
      int next[publishers] = {};
      bool ordered = true;
      for (int i = 0; i < publishers * each; ++i) {
        const packet p = subscriber.read();
        int& expected = next[std::stoi(p.param)];
        ordered = ordered && p.data == std::to_string(expected++);
      }
      CHECK(ordered);
    }
    for (auto& thread : threads)
      thread.join();
    CHECK(server->stats().deliveries == publishers * each * 5);
    CHECK(server->stats().publishes == publishers * each);
  }
}

// The publisher sends much faster than a blocked loop delivers: it must be held, not buffered.
TEST_CASE("a publisher is held while another loop can't keep up") {
  test_server server({}, 2);
  std::atomic<std::uint64_t> published = 0;
  server->on_datagram([&](vsoa::client_id, std::string_view, vsoa::payload_view p, vsoa::channel) {
    server->publish("/t", p);
    published += p.data.size();
  });
  server.start();
  tcp_peer first = server.client();
  tcp_peer second = server.client();
  tcp_peer& publisher = first;
  tcp_peer& subscriber = second;
  REQUIRE(publisher.client_id() % 2 != subscriber.client_id() % 2);
  subscribe_to(subscriber, "/none");  // published to its loop, delivered to nobody
  std::promise<void> blocked;
  std::promise<void> release;
  server.loops().post(subscriber.client_id() % 2, [&] {
    blocked.set_value();
    release.get_future().wait();
  });
  blocked.get_future().wait();

  const std::string message = datagram("/d", {}, std::string(100000, 'x')).bytes();
  constexpr int messages = 1000;  // 100 MB
  std::thread sender([&] {
    for (int i = 0; i < messages; ++i)
      publisher.send(message);
  });
  // It comes to a stand, far below what is sent.
  std::uint64_t last = 0;
  CHECK(wait_until([&] {
    const std::uint64_t now = published;
    if (now != last || now == 0) {
      last = now;
      ::poll(nullptr, 0, 100);
      return false;
    }
    return true;
  }));
  CHECK(published <= 16U << 20);
  release.set_value();
  sender.join();
  CHECK(wait_until([&] { return published == messages * 100000ULL; }));
  CHECK(publisher.ask(ping(1)).type == type_pingecho);
  CHECK(subscriber.ask(ping(1)).type == type_pingecho);
}

TEST_CASE("a publisher that is held may leave") {
  test_server server({}, 2);
  server->on_datagram([&](vsoa::client_id, std::string_view, vsoa::payload_view p, vsoa::channel) {
    server->publish("/t", p);
  });
  server.start();
  tcp_peer publisher = server.client();
  tcp_peer subscriber = server.client();
  subscribe_to(subscriber, "/none");
  std::promise<void> blocked;
  std::promise<void> release;
  server.loops().post(subscriber.client_id() % 2, [&] {
    blocked.set_value();
    release.get_future().wait();
  });
  blocked.get_future().wait();
  const std::string message = datagram("/d", {}, std::string(200000, 'x')).bytes();
  while (publisher.send_some(message) == message.size()) {
  }
  publisher.reset_connection();
  release.set_value();
  CHECK(wait_until([&] { return server->stats().clients == 1; }));
  CHECK(subscriber.ask(ping(1)).type == type_pingecho);
}

TEST_CASE("threads that are no loop publish too, and lose what no longer fits") {
  test_server server({}, 2);
  server.start();
  tcp_peer peer = server.client();
  subscribe_to(peer, "/none");
  std::promise<void> blocked;
  std::promise<void> release;
  server.loops().post(peer.client_id() % 2, [&] {
    blocked.set_value();
    release.get_future().wait();
  });
  blocked.get_future().wait();
  const std::string data(200000, 'x');
  int accepted = 0;
  while (accepted < 1000 && server->publish("/t", text_payload({}, data)))
    ++accepted;
  CHECK(accepted > 100);
  CHECK(accepted < 400);  // 64 MiB
  release.set_value();
  CHECK(wait_until([&] { return server->publish("/t", text_payload({}, data)); }));
  CHECK(peer.ask(ping(1)).type == type_pingecho);
}

TEST_CASE("a loop's own tasks can't be held: they lose what no longer fits") {
  test_server server({}, 2);
  server.start();
  tcp_peer peer = server.client();
  subscribe_to(peer, "/none");
  const std::size_t there = peer.client_id() % 2;
  std::promise<void> blocked;
  std::promise<void> release;
  server.loops().post(there, [&] {
    blocked.set_value();
    release.get_future().wait();
  });
  blocked.get_future().wait();
  const std::string data(200000, 'x');
  int accepted = 0;
  server.run_on_loop(1 - there, [&] {
    while (accepted < 1000 && server->publish("/t", text_payload({}, data)))
      ++accepted;
  });
  CHECK(accepted > 100);
  CHECK(accepted < 400);  // 64 MiB
  CHECK(server->stats().dropped == 1);
  release.set_value();
  CHECK(wait_until([&] { return server->publish("/t", text_payload({}, data)); }));
  CHECK(peer.ask(ping(1)).type == type_pingecho);
}

TEST_CASE("everything at once from everywhere") {
  test_server server({}, 3);
  server->command("/echo", echo);
  server->on_client([&](vsoa::client_id id, bool connected) {
    if (connected) server->set_priority(id, static_cast<std::uint8_t>(id % 8));
  });
  server->on_subscribe([&](vsoa::client_id id, auto urls) {
    for (const std::string_view url : urls)
      server->publish_to(id, url, {});
  });
  server.start();
  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    for (unsigned i = 0; !stop; ++i) {
      server->publish("/t/" + std::to_string(i % 7), text_payload("x"),
                      i % 3 == 0 ? vsoa::channel::quick : vsoa::channel::normal);
      for (const auto& c : server->clients()) {
        server->is_subscribed(c.id, "/t/1");
        server->datagram(c.id, "/d", {});
        if (i % 50 == 0) server->set_authed(c.id, i % 100 == 0);
        if (i % 97 == 0) server->set_priority(c.id, static_cast<std::uint8_t>(i % 8));
      }
      server->stats();
    }
  });
  threads.emplace_back([&] {
    while (!stop) {
      server->command("/changing", echo);
      server->is_subscribed("/t/3");
      server->set_send_timeout(5s);
      server->set_credentials({});
      const auto all = server->clients();
      if (all.size() > 6) server->close(all.front().id);
    }
  });
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      const udp_peer udp;
      while (!stop) {
        try {
          tcp_peer peer = server.client(udp.port());
          for (std::uint32_t i = 0; i < 20; ++i) {
            peer.ask_for_reply(subscribe(i, "/t/" + std::to_string(i)));
            peer.ask_for_reply(rpc(i + 100, "/echo", "{}"));
          }
        } catch (const std::exception&) {
          // closed by the other thread
        }
      }
    });
  }
  ::poll(nullptr, 0, 1500);  // the length of the test, not a wait for anything
  stop = true;
  for (auto& thread : threads)
    thread.join();
  tcp_peer healthy = server.client();
  CHECK(healthy.ask_for_reply(rpc(1, "/echo", "{}")).status == 0);
}

}  // namespace multi_loop_test
