// A stream with ours on both sides, and a relay between them.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>

#include "net/loop.hpp"
#include "stream/connect.hpp"
#include "stream_peers.hpp"
#include "test_server.hpp"

namespace vsoa_test {

inline const vsoa::ip_address loopback = *vsoa::ip_address::parse("127.0.0.1");

/// A server that offers streams, and the loops and the registry of a client.
struct both_sides {
  test_server server;
  vsoa::runtime loops{{.loops = 1, .log = {}}};
  std::shared_ptr<vsoa::stream_registry> registry =
      std::make_shared<vsoa::stream_registry>(vsoa::stream_registry::limits{16, 16});
  std::optional<tcp_peer> session;
  vsoa::stream_security security;  // of connect()
  stream_log ours, theirs;

  explicit both_sides(vsoa::server_options options = {}, bool plain = true)
      : server(std::move(options)) {
    server.start();
    loops.start();
    if (plain) session.emplace(server.client());
  }
  ~both_sides() {
    server.destroy_server();
    loops.internals().run_and_wait(here(), [&] {
      registry->close();
      vsoa::abort_streams(*registry, here());
    });
  }
  vsoa::net::loop& here() { return loops.internals().at(0); }

  std::uint16_t offer(vsoa::stream_callbacks behaviour = {}, vsoa::client_id to = 0) {
    return server
        ->create_stream(to != 0 ? to : session->client_id(), theirs.callbacks(std::move(behaviour)))
        .tunid;
  }
  vsoa::stream connect(std::uint16_t port, vsoa::stream_callbacks behaviour = {}) {
    return vsoa::connect_stream(here(), {loopback, port}, loopback,
                                ours.callbacks(std::move(behaviour)), {}, security, registry);
  }
};

/// Sends back what comes, and stops reading while it can't.
inline vsoa::stream_callbacks echoing() {
  vsoa::stream_callbacks c;
  c.on_data = [](const vsoa::stream& s, std::span<const std::byte> bytes) {
    CHECK(s.send(bytes) == bytes.size());
    if (!s.is_writable()) s.pause();
  };
  c.on_writable = [](const vsoa::stream& s) { s.resume(); };
  return c;
}

/// Sends `total` bytes of the pattern, and then no more.
inline vsoa::stream_callbacks sending(std::size_t total, bool checks_what_comes) {
  const auto sent = std::make_shared<std::size_t>(0);
  const auto received = std::make_shared<std::size_t>(0);
  const auto push = [sent, total](const vsoa::stream& s) {
    while (*sent < total) {
      const std::size_t taken =
          s.send(as_bytes(pattern(*sent, std::min<std::size_t>(total - *sent, 200000))));
      if (taken == 0) return;
      *sent += taken;
    }
    s.shutdown_write();
  };
  vsoa::stream_callbacks c;
  c.on_link = [push](const vsoa::stream& s, bool connected) {
    if (connected) push(s);
  };
  c.on_writable = push;
  c.on_data = [received, checks_what_comes](const vsoa::stream&, std::span<const std::byte> bytes) {
    if (checks_what_comes) CHECK(is_pattern(as_text(bytes), *received));
    *received += bytes.size();
  };
  return c;
}

/// A server in front, through which the client reaches the streams of the one behind.
struct relayed : both_sides {
  test_server front;
  std::optional<tcp_peer> client;
  relayed() {
    front.start();
    client.emplace(front.client());
  }
  ~relayed() { front.destroy_server(); }
  std::uint16_t relay(std::uint16_t upstream, vsoa::stream_options options = {}) {
    const auto offer =
        front->relay_stream(client->client_id(), vsoa::socket_address{loopback, upstream}, options);
    CHECK(offer);
    return offer.tunid;
  }
  bool is_over() {
    return wait_until([&] { return front->stats().streams == 0; });
  }
};

}  // namespace vsoa_test
