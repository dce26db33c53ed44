// Publishes and datagrams on the normal channel, authed and priority.

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <cstring>
#include <ctime>
#include <mutex>
#include <optional>

#include "test_server.hpp"

namespace publish_test {

using namespace vsoa_test;

TEST_CASE("subscribers get what they asked for, once, as it was given") {
  test_server server;
  server.start();
  tcp_peer all = server.client();
  tcp_peer tree = server.client();
  tcp_peer exact = server.client();
  tcp_peer none = server.client();
  subscribe_to(all, "/");
  subscribe_to(tree, "/a/");
  subscribe_to(tree, "/a/b");
  subscribe_to(tree, "/");
  subscribe_to(exact, "/a/b");
  CHECK(server->publish("/a/b", text_payload("[1]", std::string_view("\0d", 2))));
  for (tcp_peer* peer : {&all, &tree, &exact}) {
    const packet p = peer->read();
    CHECK(p.type == type_publish);
    CHECK(p.flags == 0);
    CHECK(p.status == 0);
    CHECK(p.seqno == 0);
    CHECK(p.tunid == 0);
    CHECK(p.url == "/a/b");
    CHECK(p.param == "[1]");
    CHECK(p.data == std::string("\0d", 2));
  }
  CHECK(server->publish("/x", {}));
  CHECK(all.read().url == "/x");
  CHECK(tree.read().url == "/x");
  // Nothing else was sent to anybody.
  for (tcp_peer* peer : {&all, &tree, &exact, &none})
    CHECK(peer->ask(ping(1)).type == type_pingecho);
  CHECK(server->stats().publishes == 2);
  CHECK(server->stats().deliveries == 5);
}

TEST_CASE("what can't be published") {
  test_server server;
  server.start();
  tcp_peer peer = server.client();
  subscribe_to(peer, "/");
  const std::string data(262144, 'x');
  const auto fitting = text_payload({}, std::string_view(data).substr(0, 262144 - 20 - 4));
  CHECK_FALSE(server->publish("", {}));
  CHECK_FALSE(server->publish("a", {}));
  CHECK_FALSE(server->publish("/\xff", {}));
  CHECK_FALSE(server->publish("/" + std::string(65535, 'u'), {}));
  CHECK_FALSE(server->publish("/abc", text_payload({}, data)));
  CHECK_FALSE(server->publish("/abcd", fitting));
  CHECK_FALSE(server->datagram(peer.client_id(), "abc", {}));
  CHECK_FALSE(server->datagram(peer.client_id(), "/abcd", fitting));
  CHECK_FALSE(server->publish_to(peer.client_id(), "/abcd", fitting));
  CHECK_FALSE(server->datagram(peer.client_id() + 1, "/abc", {}));
  CHECK_FALSE(server->publish_to(peer.client_id() + 1, "/abc", {}));
  CHECK(peer.ask(ping(1)).type == type_pingecho);
  CHECK(server->publish("/abc", fitting));
  CHECK(peer.read().data.size() == 262144 - 20 - 4);
}

TEST_CASE("publishes of one thread arrive in order, on a loop and off it") {
  for (const bool on_loop : {false, true}) {
    CAPTURE(on_loop);
    test_server server;
    server.start();
    tcp_peer peer = server.client();
    subscribe_to(peer, "/n");
    const auto publish_all = [&] {
      for (int i = 0; i < 2000; ++i)
        server->publish("/n", text_payload(std::to_string(i)));
    };
    if (on_loop) {
      server.run_on_loop(0, publish_all);
    } else {
      publish_all();
    }
    bool ordered = true;
    for (int i = 0; i < 2000; ++i)
      ordered = ordered && peer.read().param == std::to_string(i);
    CHECK(ordered);
  }
}

TEST_CASE("a handler's publishes reach its own client too") {
  test_server server;
  server->command("/publish", [&](vsoa::call& c) {
    server->publish(c.payload().param, {});
    c.reply(vsoa::status::success);
    server->publish(c.payload().param, {});
  });
  server.start();
  tcp_peer peer = server.client();
  subscribe_to(peer, "/t");
  CHECK(peer.ask(rpc(1, "/publish", "/t")).type == type_publish);
  CHECK(peer.read().type == type_rpc);
  CHECK(peer.read().type == type_publish);
}

TEST_CASE("authed stops publishes only, and can be given back") {
  test_server server;
  server->command("/echo", echo);
  server.start();
  tcp_peer peer = server.client();
  const auto id = peer.client_id();
  CHECK(server->client(id)->authed);
  CHECK(server->set_authed(id, false));
  REQUIRE(wait_until([&] { return !server->client(id)->authed; }));
  subscribe_to(peer, "/t");
  server->publish("/t", {});
  server->publish_to(id, "/t", {});
  CHECK(server->datagram(id, "/d", {}));
  CHECK(peer.read().type == type_datagram);
  CHECK(peer.ask(rpc(1, "/echo")).status == 0);
  server.run_on_loop(0, [&] { CHECK_FALSE(server->publish_to(id, "/t", {})); });
  CHECK(server->set_authed(id, true));
  server->publish("/t", text_payload("again"));
  CHECK(peer.read().param == "again");
  CHECK_FALSE(server->set_authed(id + 1, true));
}

TEST_CASE("authed taken in the connect callback holds from the start") {
  test_server server;
  server->on_client([&](vsoa::client_id id, bool connected) {
    if (connected) CHECK(server->set_authed(id, false));
  });
  server.start();
  tcp_peer peer = server.client();
  subscribe_to(peer, "/t");
  server->publish("/t", {});
  CHECK(peer.ask(ping(1)).type == type_pingecho);
}

TEST_CASE("publish_to needs no subscription; datagrams neither") {
  for (const std::size_t loops : {1U, 2U}) {
    test_server server({}, loops);
    server.start();
    tcp_peer first = server.client();
    tcp_peer second = server.client();
    for (const std::size_t from : {0U, 1U}) {
      server.run_on_loop(from, [&] {
        CHECK(server->publish_to(first.client_id(), "/p", text_payload("1")));
        CHECK(server->datagram(second.client_id(), "/d", text_payload("2", "x")));
      });
      const packet p = first.read();
      CHECK(p.type == type_publish);
      CHECK(p.param == "1");
      const packet d = second.read();
      CHECK(d.type == type_datagram);
      CHECK(d.flags == 0);
      CHECK(d.seqno == 0);
      CHECK(d.url == "/d");
      CHECK(d.param == "2");
      CHECK(d.data == "x");
    }
    CHECK(server->stats().publishes == 0);
  }
}

TEST_CASE("datagrams from a client, whatever their URL") {
  std::mutex mutex;
  std::vector<std::string> got;
  test_server server;
  server->on_datagram(
      [&](vsoa::client_id, std::string_view url, vsoa::payload_view p, vsoa::channel via) {
        const std::lock_guard lock(mutex);
        got.push_back(std::string(url) + "|" + std::string(p.param) + "|" + data_text(p) +
                      (via == vsoa::channel::quick ? "|quick" : ""));
      });
  server.start();
  tcp_peer peer = server.client();
  peer.send(datagram("/d", "{}", "data"));
  peer.send(datagram("no slash"));
  peer.send(datagram(""));
  peer.send(datagram("/max", {}, std::string(262144 - 20 - 4, 'x')));
  peer.ask(ping(1));
  const std::lock_guard lock(mutex);
  REQUIRE(got.size() == 4);
  CHECK(got[0] == "/d|{}|data");
  CHECK(got[1] == "no slash||");
  CHECK(got[2] == "||");
  CHECK(got[3].size() == 262144 - 20 - 4 + 6);
  CHECK(server->stats().datagrams_in == 4);
}

// When the kernel got the next bytes of a connection; nothing where it does not say.
std::optional<timespec> arrival(const tcp_peer& peer) {
  pollfd entry{.fd = peer.fd(), .events = POLLIN, .revents = 0};
  if (::poll(&entry, 1, static_cast<int>(patience.count())) != 1) return {};
  char bytes[4096];
  iovec part{bytes, sizeof bytes};
  alignas(cmsghdr) char control[256];
  msghdr h{};
  h.msg_iov = &part;
  h.msg_iovlen = 1;
  h.msg_control = control;
  h.msg_controllen = sizeof control;
  if (::recvmsg(peer.fd(), &h, 0) <= 0) return {};
  const cmsghdr* c = CMSG_FIRSTHDR(&h);
  if (c == nullptr || c->cmsg_type != SCM_TIMESTAMPNS) return {};
  timespec when{};
  std::memcpy(&when, CMSG_DATA(c), sizeof when);
  return when;
}

TEST_CASE("of one loop's clients those of higher priority are written to first") {
  test_server server;
  server.start();
  const std::uint8_t priorities[] = {0, 7, 3};
  std::vector<tcp_peer> peers;
  for (const std::uint8_t priority : priorities) {
    peers.push_back(server.client());
    const int on = 1;
    ::setsockopt(peers.back().fd(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
    subscribe_to(peers.back(), "/t");
    CHECK(server->set_priority(peers.back().client_id(), priority));
    CHECK(peers.back().read().type == type_qossetup);
  }
  // The kernel begins to take times a little after it was asked to.
  int measured = 0;
  for (int round = 0; round < 50 && measured < 5; ++round) {
    server->publish("/t", text_payload("x"));
    std::vector<std::int64_t> times;
    for (const tcp_peer& peer : peers) {
      if (const auto when = arrival(peer)) {
        times.push_back(std::int64_t{when->tv_sec} * 1000000000 + when->tv_nsec);
      }
    }
    if (times.size() < peers.size()) continue;
    ++measured;
    CHECK(times[1] < times[2]);
    CHECK(times[2] < times[0]);
  }
  if (measured == 0) MESSAGE("skipped: the kernel gives no times");
}

TEST_CASE("setting the priority: QOSSETUP to the client, and the order of clients()") {
  test_server server({}, 2);
  server.start();
  std::vector<tcp_peer> peers;
  for (int i = 0; i < 4; ++i)
    peers.push_back(server.client());
  const std::uint8_t priorities[] = {0, 7, 3, 7};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(server->set_priority(peers[i].client_id(), priorities[i]));
    const packet p = peers[i].read();
    CHECK(p.type == type_qossetup);
    CHECK(p.flags == flag_reply);
    CHECK(p.status == priorities[i]);
    CHECK(p.seqno == 0);
    CHECK(p.url.empty());
    CHECK(p.param.empty());
    CHECK(p.data.empty());
  }
  const auto clients = server->clients();
  REQUIRE(clients.size() == 4);
  const std::size_t order[] = {1, 3, 2, 0};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(clients[i].id == peers[order[i]].client_id());
    CHECK(clients[i].priority == priorities[order[i]]);
    CHECK(to_endpoint(clients[i].address) == peers[order[i]].local());
    CHECK(to_endpoint(clients[i].local) == server.at());
  }
  CHECK_FALSE(server->set_priority(peers[0].client_id(), 8));
  CHECK_FALSE(server->set_priority(peers[0].client_id() + 2, 1));
  CHECK(peers[0].ask(ping(1)).type == type_pingecho);
}

}  // namespace publish_test
