// Starting, draining and stopping, addresses, and options of sockets.

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstdio>
#include <fstream>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>

#include "test_server.hpp"

namespace life_test {

using namespace std::chrono_literals;
using namespace vsoa_test;

TEST_CASE("a server that never starts, and one whose loops never run") {
  vsoa::runtime loops;
  vsoa::server fresh(loops);
  vsoa::server listening(loops);
  listening.listen({vsoa::ip_address::parse("127.0.0.1").value(), 0});
  listening.command("/", echo);
  vsoa::server started(loops);
  started.listen({vsoa::ip_address::parse("127.0.0.1").value(), 0});
  started.command("/", echo);
  started.start();
  started.publish("/t", {});
  started.stop();
  started.stop();
}

TEST_CASE("an info that no packet can hold is refused when it is said") {
  vsoa::runtime loops;
  const auto with = [](std::size_t bytes) {
    vsoa::server_options options;
    options.info = '"' + std::string(bytes - 2, 'x') + '"';
    return options;
  };
  constexpr std::size_t most = vsoa::max_packet_bytes - vsoa::header_bytes - 8;
  CHECK_THROWS_AS(vsoa::server(loops, with(most + 1)), std::invalid_argument);
  test_server server(with(most));
  server.start();
  CHECK(server.connect().ask(servinfo(1)).param.size() == most);
}

TEST_CASE("an address in use is an error that names it, for TCP and for UDP") {
  vsoa::runtime loops;
  vsoa::server first(loops);
  const auto taken = first.listen({vsoa::ip_address::parse("127.0.0.1").value(), 0});
  vsoa::server second(loops);
  try {
    second.listen(taken);
    CHECK(false);
  } catch (const std::system_error& e) {
    CHECK(e.code() == std::errc::address_in_use);
    CHECK(std::string(e.what()).find(taken.to_string()) != std::string::npos);
  }
  const udp_peer udp;
  CHECK_THROWS_AS(second.listen({taken.ip, udp.port()}), std::system_error);
  CHECK_THROWS_AS(second.listen({vsoa::ip_address::parse("192.0.2.1").value(), 0}),
                  std::system_error);
  CHECK(second.addresses().empty());
}

TEST_CASE("several addresses, IPv4 and IPv6, one set of clients") {
  vsoa::runtime loops({.loops = 2, .log = {}});
  std::mutex mutex;
  std::vector<vsoa::client_id> quick;
  vsoa::server server(loops);
  server.on_datagram(
      [&](vsoa::client_id id, std::string_view, vsoa::payload_view, vsoa::channel via) {
        const std::lock_guard lock(mutex);
        if (via == vsoa::channel::quick) quick.push_back(id);
      });
  std::vector<endpoint> at;
  for (const char* ip : {"127.0.0.1", "::1", "127.0.0.3"})
    at.push_back(to_endpoint(server.listen({vsoa::ip_address::parse(ip).value(), 0})));
  CHECK(server.addresses().size() == 3);
  server.start();
  loops.start();
  std::vector<tcp_peer> peers;
  std::vector<udp_peer> udps;
  for (const endpoint& each : at) {
    udps.emplace_back(each.ip);
    peers.emplace_back(each, tcp_options{.local_ip = each.ip});
    peers.back().handshake({}, udps.back().port());
    const auto info = server.client(peers.back().client_id());
    REQUIRE(info);
    CHECK(to_endpoint(info->address) == peers.back().local());
    CHECK(to_endpoint(info->local) == each);
    subscribe_to(peers.back(), "/t");
  }
  server.publish("/t", text_payload("normal"));
  server.publish("/t", text_payload("quick"), vsoa::channel::quick);
  for (std::size_t i = 0; i < at.size(); ++i) {
    CHECK(peers[i].read().param == "normal");
    endpoint from;
    const auto p = udps[i].receive_packet(patience, &from);
    REQUIRE(p);
    CHECK(p->param == "quick");
    CHECK(from == at[i]);
    udps[i].send_to(at[i], datagram("/q", {}, {}, peers[i].client_id()));
  }
  CHECK(wait_until([&] {
    const std::lock_guard lock(mutex);
    return quick.size() == 3;
  }));
}

TEST_CASE(
    "on a wildcard address the quick channel answers from where the client has connected to") {
  test_server server;
  server.start("0.0.0.0");
  const endpoint at{"127.0.0.9", server.at().port};
  udp_peer udp;
  tcp_peer peer(at);
  peer.handshake({}, udp.port());
  CHECK(server->datagram(peer.client_id(), "/d", {}, vsoa::channel::quick));
  endpoint from;
  REQUIRE(udp.receive_packet(patience, &from));
  CHECK(from == at);
}

TEST_CASE("drain: no new connections and requests, answers in flight still go out") {
  std::mutex mutex;
  std::vector<vsoa::deferred_call> calls;
  test_server server({}, 2);
  server->command("/later", [&](vsoa::call& c) {
    const std::lock_guard lock(mutex);
    calls.push_back(c.defer());
  });
  server.start();
  tcp_peer first = server.client();
  tcp_peer second = server.client();
  first.send(rpc(1, "/later"));
  second.send(rpc(2, "/later"));
  REQUIRE(wait_until([&] {
    const std::lock_guard lock(mutex);
    return calls.size() == 2;
  }));
  server->drain();
  CHECK_FALSE(server->idle());
  CHECK_THROWS(server.connect());
  first.send(rpc(3, "/later"));
  for (auto& c : calls)
    c.reply(vsoa::status::success);
  CHECK(first.read().seqno == 1);
  CHECK(second.read().seqno == 2);
  CHECK(wait_until([&] { return server->idle(); }));
  CHECK(first.silent(50ms));
  server->stop();
  CHECK(first.wait_end() != ending::none);
  CHECK(second.wait_end() != ending::none);
}

TEST_CASE("stop tells of every client, closes all, and refuses what comes later") {
  std::atomic<int> connected = 0;
  test_server server({}, 3);
  server->on_client([&](vsoa::client_id, bool up) { connected += up ? 1 : -1; });
  server.start();
  std::vector<tcp_peer> peers;
  for (int i = 0; i < 9; ++i) {
    peers.push_back(server.client());
    subscribe_to(peers.back(), "/t");
  }
  CHECK(wait_until([&] { return connected == 9; }));
  server->stop();
  CHECK(connected == 0);
  for (tcp_peer& peer : peers)
    CHECK(peer.wait_end() != ending::none);
  CHECK(server->clients().empty());
  CHECK_FALSE(server->is_subscribed("/t"));
  CHECK_FALSE(server->publish("/t", {}));
  CHECK_FALSE(server->close(peers[0].client_id()));
  CHECK_FALSE(server->set_priority(peers[0].client_id(), 1));
  CHECK_FALSE(server->datagram(peers[0].client_id(), "/t", {}));
  CHECK(server->idle());
}

TEST_CASE("a server may go with everything under way, its loops live on") {
  vsoa::runtime loops({.loops = 2, .log = {}});
  loops.start();
  std::mutex mutex;
  std::vector<vsoa::deferred_call> calls;
  for (int round = 0; round < 20; ++round) {
    vsoa::server_options options;
    options.credentials = {{"", "p"}};
    vsoa::server server(loops, options);
    server.command("/later", [&](vsoa::call& c) {
      const std::lock_guard lock(mutex);
      calls.push_back(c.defer());
    });
    server.command("/say", [&](vsoa::call&) {
      server.publish("/t", text_payload("x"));
      server.publish("/t", text_payload("x"), vsoa::channel::quick);
    });
    const endpoint at =
        to_endpoint(server.listen({vsoa::ip_address::parse("127.0.0.1").value(), 0}));
    server.start();
    const udp_peer udp;
    std::vector<tcp_peer> peers;
    for (int i = 0; i < 4; ++i) {
      peers.emplace_back(at);
      peers.back().handshake("p", udp.port());
      subscribe_to(peers.back(), "/t");
    }
    tcp_peer refused(at);
    CHECK(refused.ask(servinfo(1)).status == status_password);  // lingers
    const tcp_peer silent(at);
    for (tcp_peer& peer : peers) {
      std::string burst;
      for (std::uint32_t i = 0; i < 50; ++i)
        burst += rpc(i, "/say").bytes() + rpc(i, "/later").bytes();
      peer.send(burst + ping(1).bytes().substr(0, 10));
    }
  }
  // Long after their server.
  for (auto& c : calls)
    c.reply(vsoa::status::success);
}

TEST_CASE("the runtime may stop first, with everything under way") {
  for (int round = 0; round < 10; ++round) {
    test_server server({}, 2);
    server->command("/say", [&](vsoa::call& c) {
      server->publish("/t", text_payload("x"));
      server->publish("/t", text_payload("x"), vsoa::channel::quick);
      c.reply(vsoa::status::success);
    });
    server.start();
    const udp_peer udp;
    std::vector<tcp_peer> peers;
    for (int i = 0; i < 4; ++i) {
      peers.push_back(server.client(udp.port()));
      subscribe_to(peers.back(), "/t");
    }
    for (tcp_peer& peer : peers) {
      for (std::uint32_t i = 0; i < 20; ++i)
        peer.send(rpc(i, "/say"));
    }
    server.stop_loops();
    if (round % 2 == 0) server.destroy_server();
  }
}

TEST_CASE("a deferred call may outlive server and loops") {
  vsoa::deferred_call kept;
  {
    test_server server;
    std::atomic<bool> got = false;
    server->command("/later", [&](vsoa::call& c) {
      kept = c.defer();
      got = true;
    });
    server.start();
    tcp_peer peer = server.client();
    peer.send(rpc(1, "/later"));
    REQUIRE(wait_until([&] { return got.load(); }));
  }
  kept.reply(vsoa::status::success);
}

// Whether the kernel runs a keepalive timer for our end of a connection. Nothing: it does not say.
std::optional<bool> has_keepalive(std::uint16_t server_port, const tcp_peer& peer) {
  std::ifstream table("/proc/net/tcp");
  char ends[64];
  std::snprintf(ends, sizeof ends, "0100007F:%04X 0100007F:%04X", unsigned{server_port},
                unsigned{peer.local().port});
  std::string line;
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string slot;
    std::string local;
    std::string other_end;
    std::string state;
    std::string queues;
    std::string timer;
    fields >> slot >> local >> other_end >> state >> queues >> timer;
    if (local + " " + other_end == ends) return timer.substr(0, 2) == "02";
  }
  return {};
}

TEST_CASE("keepalive can be set for one client and for all new ones") {
  vsoa::server_options options;
  options.keepalive = 30s;
  test_server server(options);
  server.start();
  tcp_peer peer = server.client();
  if (!has_keepalive(server.at().port, peer)) {
    MESSAGE("skipped: the kernel does not tell");
    return;
  }
  // Another timer may run in its place for a moment, as long as an answer is not acknowledged.
  const auto becomes = [&](bool on) {
    return wait_until([&] { return has_keepalive(server.at().port, peer) == on; });
  };
  CHECK(becomes(true));
  CHECK(server->set_keepalive(peer.client_id(), 0s));
  CHECK(becomes(false));
  CHECK(server->set_keepalive(peer.client_id(), 7s));
  CHECK(becomes(true));
  CHECK_FALSE(server->set_keepalive(peer.client_id() + 1, 7s));
  CHECK(peer.ask(ping(1)).type == type_pingecho);
}

}  // namespace life_test
