// Streams that a server offers, seen from a plain socket: their beginning, and bytes.
#include <thread>

#include "stream_server.hpp"

namespace server_stream_test {

using namespace std::chrono_literals;
using namespace vsoa_test;

TEST_CASE("a stream carries bytes both ways and tells of its beginning and its end") {
  stream_server server;
  auto client = server.client();
  auto peer = server.open(client);
  peer.send("to the server");
  CHECK(server.log.wait_received(13));
  CHECK(server.log.text() == "to the server");
  const auto stream = server.log.handle();
  CHECK(stream.is_connected());
  CHECK(stream.is_writable());
  CHECK(to_endpoint(stream.peer()) == peer.local());
  CHECK(stream.send(as_bytes("to the client")) == 13);
  CHECK(read_raw(peer, 13) == "to the client");
  server.settle();
  CHECK(stream.counters().received == 13);
  CHECK(stream.counters().sent == 13);
  CHECK(server->stats().streams == 1);
  peer.close();
  CHECK(server.log.wait_ended());
  CHECK_FALSE(stream.is_connected());
  CHECK_FALSE(stream.error());
  CHECK(stream.send(as_bytes("too late")) == 0);
  CHECK(server.log.links() == 1);
  CHECK(server.log.ends() == 1);
  const auto stats = server->stats();
  CHECK(stats.streams == 0);
  CHECK(stats.streams_opened == 1);
  CHECK(stats.stream_received_bytes == 13);
  CHECK(stats.stream_sent_bytes == 13);
  CHECK(stats.stream_queued_bytes == 0);
}

TEST_CASE("nobody comes: one word, and the port is given up") {
  stream_server server;
  server.options.timeout = 50ms;
  auto client = server.client();
  const std::uint16_t port = server.offer(client);
  CHECK(server.log.wait_ended());
  CHECK(server.log.links() == 0);
  CHECK(server.log.ends() == 1);
  CHECK(server.log.handle().error() == std::errc::timed_out);
  CHECK_THROWS(tcp_peer({server.at().ip, port}));
  CHECK(server->stats().stream_timeouts == 1);
  CHECK(server->stats().streams == 0);
}

TEST_CASE("somebody is waited for, for ever") {
  stream_server server;
  server.options.timeout = std::chrono::milliseconds::max();
  auto client = server.client();
  const std::uint16_t port = server.offer(client);
  std::atomic<bool> is_later{false};
  server.loops().start_timer(0, 50ms, 0ms, [&] { is_later = true; });
  CHECK(wait_until([&] { return is_later.load(); }));
  CHECK(server.log.ends() == 0);
  tcp_peer peer({server.at().ip, port});
  CHECK(server.log.wait_linked());
}

TEST_CASE("closed before anybody has come") {
  stream_server server;
  auto client = server.client();
  auto offer = server->create_stream(client.client_id(), server.log.callbacks());
  REQUIRE(offer);
  offer.stream.close();
  CHECK(server.log.wait_ended());
  CHECK(server.log.links() == 0);
  CHECK(offer.stream.error() == std::errc::operation_canceled);
  CHECK_THROWS(tcp_peer({server.at().ip, offer.tunid}));
}

TEST_CASE("only the client's address is let in, once") {
  stream_server server;
  auto client = server.client();
  const std::uint16_t port = server.offer(client);
  for (int i = 0; i < 3; ++i) {
    tcp_peer stranger({server.at().ip, port}, {.local_ip = "127.0.0.2"});
    CHECK(stranger.wait_end() == ending::reset);
  }
  CHECK(server->stats().stream_strangers == 3);
  CHECK(server.log.links() == 0);
  tcp_peer peer({server.at().ip, port});
  CHECK(server.log.wait_linked());
  CHECK_THROWS(tcp_peer({server.at().ip, port}));
}

TEST_CASE("it listens on the address that the client has reached") {
  test_server server;
  server->listen({vsoa::ip_address::parse("127.0.0.5").value(), 0});
  server.start();
  const endpoint other = to_endpoint(server->addresses().front());
  tcp_peer client(other);
  client.handshake();
  const auto offer = server->create_stream(client.client_id(), {});
  REQUIRE(offer);
  CHECK_THROWS(tcp_peer({"127.0.0.1", offer.tunid}));
  tcp_peer peer({"127.0.0.5", offer.tunid}, {.local_ip = "127.0.0.1"});
  server.destroy_server();
}

// The filter drops what comes before the socket could see it, as a pulled cable does.
TEST_CASE("limits, for one client and for all") {
  vsoa::server_options options;
  options.limits.streams = 3;
  options.limits.streams_per_client = 2;
  stream_server server(options);
  auto a = server.client();
  auto b = server.client();
  server.offer(a);
  server.offer(a);
  CHECK(a.ask_for_reply(rpc(2, "/open")).status == status_no_memory);
  CHECK(server.last_error == std::errc::no_buffer_space);
  const std::uint16_t port = server.offer(b);
  CHECK(b.ask_for_reply(rpc(2, "/open")).status == status_no_memory);
  CHECK(server->stats().streams == 3);
  CHECK(server->stats().streams_refused == 2);
  tcp_peer({server.at().ip, port}).close();
  CHECK(wait_until([&] { return server->stats().streams == 2; }));
  server.offer(b);
  CHECK(server->create_stream(12345, {}).error == std::errc::not_connected);
}

TEST_CASE("a reader that stops holds the sender up") {
  constexpr std::size_t total = 16U << 20;
  stream_server server;
  server.behaviour.on_link = [](const vsoa::stream& s, bool connected) {
    if (connected) s.pause();
  };
  auto client = server.client();
  auto peer = server.open(client);
  const std::string bytes = pattern(0, total);
  std::size_t sent = 0;
  // The kernel's buffers fill up, and then nothing goes any more.
  while (sent < total) {
    const std::size_t taken = peer.send_some(std::string_view(bytes).substr(sent));
    if (taken == 0) break;
    sent += taken;
  }
  CHECK(sent < total);
  server.settle();
  CHECK(server.log.received() == 0);
  server.log.handle().resume();
  peer.send(std::string_view(bytes).substr(sent));
  CHECK(server.log.wait_received(total));
  CHECK(is_pattern(server.log.text(), 0));
}

// The loop learns that the socket is readable before it comes to what another thread has posted.
TEST_CASE("a pause on another thread loses nothing that has come already") {
  stream_server server;
  auto client = server.client();
  auto peer = server.open(client);
  const auto stream = server.log.handle();
  server.run_on_loop(0, [&] {
    peer.send("come already");
    std::jthread([&] { stream.pause(); });
  });
  server.settle();
  CHECK(stream.counters().received == server.log.received());
  stream.resume();
  CHECK(server.log.wait_received(12));
  CHECK(server.log.text() == "come already");
  CHECK(stream.counters().received == 12);
}

TEST_CASE("a receiver that stops: send says no, the queue is bounded, and goes on when it reads") {
  constexpr std::size_t total = 32U << 20;
  stream_server server;
  std::atomic<std::size_t> sent{0};
  std::atomic<std::uint64_t> largest_queue{0};
  std::atomic<int> told{0};
  const auto push = [&](const vsoa::stream& s) {
    while (sent < total) {
      const bool was_writable = s.is_writable();
      const std::size_t taken = s.send(as_bytes(pattern(sent, vsoa::stream::max_piece)));
      if (was_writable) CHECK(taken != 0);
      if (taken == 0) break;
      CHECK(taken == vsoa::stream::max_piece);
      sent += taken;
      largest_queue = std::max(largest_queue.load(), s.counters().queued);
    }
    if (sent >= total) s.shutdown_write();
  };
  server.behaviour.on_link = [&](const vsoa::stream& s, bool connected) {
    if (connected) push(s);
  };
  server.behaviour.on_writable = [&](const vsoa::stream& s) {
    ++told;
    push(s);
  };
  auto client = server.client();
  auto peer = server.open(client);
  // Full to the brim: nothing has moved in three looks.
  std::size_t before = 0;
  CHECK(wait_until([&] {
    bool same = false;
    server.run_on_loop(0, [&] { same = sent == before && !server.log.handle().is_writable(); });
    before = sent;
    return same;
  }));
  CHECK(sent < total);
  const int told_before = told;
  const std::string got = read_to_end(peer);
  CHECK(got.size() == total);
  CHECK(is_pattern(got, 0));
  CHECK(told > told_before);
  CHECK(largest_queue < server.options.outbox + vsoa::stream::max_piece);
  CHECK(server->stats().stream_queued_bytes == 0);
}

TEST_CASE("sending from other threads keeps their order and the bound") {
  constexpr std::size_t total = 8U << 20;
  stream_server server;
  std::atomic<int> told{0};
  server.behaviour.on_writable = [&](const vsoa::stream&) { ++told; };
  auto client = server.client();
  auto peer = server.open(client);
  const auto stream = server.log.handle();
  std::jthread sender([&] {
    std::size_t sent = 0;
    while (sent < total) {
      const int seen = told;
      const std::size_t taken = stream.send(as_bytes(pattern(sent, 10007)));
      sent += taken;
      if (taken == 0 && !wait_until([&] { return told != seen || stream.is_writable(); })) break;
      CHECK(stream.counters().queued < server.options.outbox + vsoa::stream::max_piece);
    }
    stream.close();
  });
  const std::string got = read_to_end(peer);
  sender.join();
  CHECK(got.size() >= total);
  CHECK(is_pattern(got, 0));
}

TEST_CASE("another thread's bytes and the loop's keep the order in which they were sent") {
  constexpr std::size_t rounds = 200;
  stream_server server;
  auto client = server.client();
  auto peer = server.open(client);
  const auto stream = server.log.handle();
  std::atomic<bool> is_missing{false};
  std::size_t sent = 0;
  std::jthread sender([&] {
    for (std::size_t i = 0; i < rounds; ++i) {
      const auto once = [&] {
        const std::string bytes = pattern(sent, 9001);
        if (!wait_until([&] { return stream.send(as_bytes(bytes)) == bytes.size(); }))
          is_missing = true;
        sent += bytes.size();
      };
      once();
      // What was sent above is on its way to the loop, or there; this is behind it.
      server.run_on_loop(0, [&] {
        const std::string bytes = pattern(sent, 77);
        if (stream.send(as_bytes(bytes)) == bytes.size()) sent += bytes.size();
      });
    }
    stream.close();
  });
  const std::string got = read_to_end(peer);
  sender.join();
  CHECK_FALSE(is_missing);
  CHECK(got.size() == sent);
  CHECK(is_pattern(got, 0));
}

TEST_CASE("pause and resume: the last word counts, whichever thread has it") {
  stream_server server;
  auto client = server.client();
  auto peer = server.open(client);
  const auto stream = server.log.handle();
  // Paused from here, on the way to the loop; resumed on the loop, which is at once.
  server.run_on_loop(0, [&] {
    std::jthread([&] { stream.pause(); }).join();
    stream.resume();
  });
  peer.send("read");
  CHECK(server.log.wait_received(4));
}

TEST_CASE("a stream that never ends leaves the others on its loop their turns") {
  stream_server server;
  const std::string piece(vsoa::stream::max_piece, 'x');
  const auto push = [&](const vsoa::stream& s) {
    while (s.send(as_bytes(piece)) != 0) {
    }
  };
  server.behaviour.on_link = [&](const vsoa::stream& s, bool connected) {
    if (connected) push(s);
  };
  server.behaviour.on_writable = push;
  auto client = server.client();
  auto peer = server.open(client);
  std::atomic<bool> enough{false};
  std::jthread reader([&] {
    while (!enough)
      read_raw(peer, 1U << 20);
    peer.close();
  });
  for (std::uint32_t i = 0; i < 100; ++i)
    CHECK(client.ask_for_reply(rpc(i, "/echo", "1"), healthy_answer).param == "1");
  enough = true;
  reader.join();
  CHECK(server.log.wait_ended());
}

TEST_CASE("a callback that throws is survived") {
  stream_server server;
  server.behaviour.on_data = [](const vsoa::stream&, std::span<const std::byte>) {
    throw std::runtime_error("bad day");
  };
  auto client = server.client();
  auto peer = server.open(client);
  peer.send("x");
  CHECK(server.log.wait_received(1));
  peer.send("y");
  CHECK(server.log.wait_received(2));
}

}  // namespace server_stream_test
