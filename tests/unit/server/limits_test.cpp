// Who may connect, what ends a connection, and what is counted.

#include <doctest/doctest.h>

#include "test_server.hpp"

namespace limits_test {

using namespace std::chrono_literals;
using namespace vsoa_test;

bool alive(tcp_peer& peer) {
  return peer.ask(ping(1)).type == type_pingecho;
}

TEST_CASE("a full server: the oldest silent connection makes room, clients stay") {
  for (const std::size_t loops : {1U, 2U}) {
    vsoa::server_options options;
    options.limits.clients = 4;
    test_server server(options, loops);
    server.start();
    tcp_peer first = server.client();
    tcp_peer silent = server.connect();
    REQUIRE(wait_until([&] { return server->stats().accepted == 2; }));
    tcp_peer second = server.client();
    tcp_peer third = server.client();
    tcp_peer fourth = server.client();  // in place of the silent one
    CHECK(silent.wait_end() != ending::none);
    CHECK(wait_until([&] { return server->stats().clients == 4; }));
    tcp_peer fifth = server.connect();
    CHECK(fifth.wait_end() == ending::reset);
    for (tcp_peer* peer : {&first, &second, &third, &fourth})
      CHECK(alive(*peer));
    CHECK(server->stats().refused == 2);
    first.close();
    CHECK(wait_until([&] { return server->stats().clients == 3; }));
    tcp_peer sixth = server.client();
    CHECK(alive(sixth));
  }
}

TEST_CASE("an address has its share") {
  vsoa::server_options options;
  options.limits.clients_per_address = 2;
  test_server server(options);
  server.start();
  tcp_peer first = server.client();
  tcp_peer second = server.client();
  CHECK(server.connect().wait_end() == ending::reset);
  tcp_peer other = server.client(0, {.local_ip = "127.0.0.2"});
  CHECK(alive(other));
  CHECK(alive(first));
  CHECK(alive(second));
}

TEST_CASE("three hundred silent connections do not keep a client out") {
  vsoa::server_options options;
  options.limits.handshakes = 16;
  options.limits.clients_per_address = 1000;
  test_server server(options);
  server.start();
  std::vector<tcp_peer> silent;
  for (int i = 0; i < 300; ++i)
    silent.push_back(server.connect());
  tcp_peer client = server.client();
  CHECK(alive(client));
  CHECK(wait_until([&] { return server->stats().clients <= 17; }));
  CHECK(server->stats().refused >= 284);
}

TEST_CASE("bytes that are no packet close the connection; what came before is answered") {
  test_server server;
  server.start();
  wire_header overflow{.url_length = 2, .data_length = 0xFFFFFFFF};
  wire_header too_large{.data_length = 262125};
  const std::string hostile[] = {
      std::string(1, '\x28'), std::string("GET / HTTP/1.1\r\n"),
      std::string(100, '\0'), overflow.bytes() + "/a",
      too_large.bytes(),
  };
  std::uint64_t errors = 0;
  for (const std::string& bytes : hostile) {
    CAPTURE(to_hex(bytes));
    tcp_peer peer = server.client();
    peer.send(ping(1).bytes() + ping(2).bytes() + bytes);
    CHECK(peer.read().seqno == 1);
    CHECK(peer.read().seqno == 2);
    CHECK(peer.wait_end() != ending::none);
    ++errors;
    CHECK(wait_until([&] { return server->stats().protocol_errors == errors; }));
  }
  tcp_peer client = server.client();
  CHECK(alive(client));
}

TEST_CASE("every way for a client to go") {
  std::atomic<int> gone = 0;
  test_server server;
  server->on_client([&](vsoa::client_id id, bool connected) {
    if (connected) return;
    CHECK_FALSE(server->client(id));
    ++gone;
  });
  server.start();
  server.client().close();
  CHECK(wait_until([&] { return gone == 1; }));
  server.client().reset_connection();
  CHECK(wait_until([&] { return gone == 2; }));
  {
    tcp_peer half = server.client();
    half.shutdown_write();
    CHECK(half.wait_end() != ending::none);
  }
  CHECK(wait_until([&] { return gone == 3; }));
  tcp_peer closed = server.client();
  CHECK(server->close(closed.client_id()));
  CHECK(closed.wait_end() != ending::none);
  CHECK(wait_until([&] { return gone == 4; }));
  CHECK_FALSE(server->close(closed.client_id()));
  server.connect().close();  // no client yet, no event
  CHECK(wait_until([&] { return server->stats().clients == 0; }));
  CHECK(gone == 4);
}

TEST_CASE("what is counted") {
  test_server server;
  server->command("/echo", echo);
  server.start();
  tcp_peer peer = server.client();
  peer.ask(ping(1));
  server.settle();
  const auto before = server->stats();
  CHECK(before.clients == 1);
  CHECK(before.accepted == 1);
  CHECK(before.handshakes == 1);
  const std::string request = rpc(1, "/echo", "{}").bytes();
  const std::string answer = peer.ask(rpc(1, "/echo", "{}")).bytes();
  const auto counted = [&] {
    const auto now = server->stats();
    return now.received_bytes - before.received_bytes == request.size() &&
           now.sent_bytes - before.sent_bytes == answer.size() && now.writes - before.writes == 1 &&
           now.calls == 1 && now.outbox_bytes == 0;
  };
  CHECK(wait_until(counted));
}

// Writes of the server that so many calls at once cost, each batch answered before the next.
std::uint64_t writes_for(std::uint32_t calls_at_once, std::uint64_t batches) {
  test_server server;
  server->command("/echo", echo);
  server.start();
  tcp_peer peer = server.client();
  peer.ask(ping(0));
  server.settle();
  const std::uint64_t before = server->stats().writes;
  for (std::uint64_t batch = 0; batch < batches; ++batch) {
    std::string calls;
    for (std::uint32_t i = 0; i < calls_at_once; ++i)
      calls += rpc(i, "/echo", "{}").bytes();
    peer.send(calls);
    for (std::uint32_t i = 0; i < calls_at_once; ++i)
      CHECK(peer.read().seqno == i);
  }
  CHECK(wait_until([&] { return server->stats().calls == batches * calls_at_once; }));
  return server->stats().writes - before;
}

TEST_CASE("all answers to what one read brought leave in one write, of a long one in two") {
  constexpr std::uint64_t batches = 20;
  CHECK(writes_for(16, batches) == batches);
  CHECK(writes_for(32, batches) == batches);
  CHECK(writes_for(64, batches) == 2 * batches);
  CHECK(writes_for(500, batches) == 2 * batches);
}

TEST_CASE("publishes of one turn leave in one write for each subscriber") {
  test_server server;
  server.start();
  tcp_peer first = server.client();
  tcp_peer second = server.client();
  subscribe_to(first, "/t");
  subscribe_to(second, "/t");
  first.ask(ping(1));
  second.ask(ping(1));
  std::uint64_t before = 0;
  server.run_on_loop(0, [&] {
    before = server->stats().writes;
    for (int i = 0; i < 100; ++i)
      server->publish("/t", text_payload("0123456789"));
  });
  for (int i = 0; i < 100; ++i) {
    first.read();
    second.read();
  }
  CHECK(wait_until([&] { return server->stats().writes == before + 2; }));
}

}  // namespace limits_test
