// How streams that a server offers end, seen from a plain socket.
#include <linux/filter.h>
#include <sys/socket.h>

#include "stream_server.hpp"

namespace stream_end_test {

using namespace std::chrono_literals;
using namespace vsoa_test;

TEST_CASE("a half close: with on_end the other direction goes on, without it all ends") {
  stream_server server;
  auto client = server.client();
  SUBCASE("with") {
    server.behaviour.on_end = [](const vsoa::stream& s) { s.send(as_bytes("and this, too")); };
    auto peer = server.open(client);
    peer.send("last word");
    peer.shutdown_write();
    CHECK(read_raw(peer, 13) == "and this, too");
    CHECK(wait_until([&] { return server.log.half_ends() == 1; }));
    CHECK(server.log.text() == "last word");
    CHECK(server.log.ends() == 0);
    server.log.handle().shutdown_write();
    CHECK(read_to_end(peer).empty());
  }
  SUBCASE("without") {
    auto peer = server.open(client);
    peer.shutdown_write();
    CHECK(read_to_end(peer).empty());
  }
  CHECK(server.log.wait_ended());
  CHECK_FALSE(server.log.handle().error());
}

TEST_CASE("shut before anybody has come: the end is the first that the client hears") {
  stream_server server;
  server.behaviour.on_end = [](const vsoa::stream&) {};
  auto client = server.client();
  const auto offer =
      server->create_stream(client.client_id(), server.log.callbacks(server.behaviour));
  REQUIRE(offer);
  offer.stream.shutdown_write();
  server.settle();
  tcp_peer peer({server.at().ip, offer.tunid});
  CHECK(read_to_end(peer).empty());
  peer.send("still heard");
  CHECK(server.log.wait_received(11));
  peer.close();
  CHECK(server.log.wait_ended());
  CHECK_FALSE(offer.stream.error());
}

TEST_CASE("close sends what is queued, and input under way does not destroy it") {
  constexpr std::size_t total = 8U << 20;
  stream_server server;
  std::size_t sent = 0;
  const auto push = [&](const vsoa::stream& s) {
    while (sent < total) {
      const std::size_t taken = s.send(as_bytes(pattern(sent, 100000)));
      if (taken == 0) return;
      sent += taken;
    }
    s.close();
  };
  server.behaviour.on_link = [&](const vsoa::stream& s, bool connected) {
    if (connected) push(s);
  };
  server.behaviour.on_writable = push;
  auto client = server.client();
  auto peer = server.open(client);
  peer.send_some(std::string(100000, 'x'));  // unread when the server closes
  const std::string got = read_to_end(peer);
  CHECK(got.size() >= total);
  CHECK(is_pattern(got, 0));
  CHECK(server.log.ends() == 0);  // it waits for the client's end
  peer.close();
  CHECK(server.log.wait_ended());
  CHECK_FALSE(server.log.handle().error());
}

TEST_CASE("a peer that has vanished is found, at rest and with bytes under way") {
  stream_server server;
  server.options.keepalive = 1s;
  auto client = server.client();
  auto peer = server.open(client);
  sock_filter drop_all{BPF_RET | BPF_K, 0, 0, 0};
  const sock_fprog program{1, &drop_all};
  REQUIRE(::setsockopt(peer.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0);
  const auto begin = test_clock::now();
  SUBCASE("at rest") {}
  SUBCASE("with bytes under way") {
    CHECK(server.log.handle().send(as_bytes("hello?")) == 6);
  }
  CHECK(server.log.wait_ended());
  CHECK(test_clock::now() - begin >= 2s);
  CHECK(server.log.handle().error() == std::errc::timed_out);
}

TEST_CASE("abort resets, and a reset of the client's is told") {
  stream_server server;
  auto client = server.client();
  auto peer = server.open(client);
  SUBCASE("ours") {
    server.log.handle().abort();
    CHECK(peer.wait_end() == ending::reset);
    CHECK(server.log.wait_ended());
    CHECK_FALSE(server.log.handle().error());
  }
  SUBCASE("the client's") {
    peer.reset_connection();
    CHECK(server.log.wait_ended());
    CHECK(server.log.handle().error() == std::errc::connection_reset);
  }
  SUBCASE("the client's, while we do not read") {
    server.log.handle().pause();
    server.settle();
    peer.reset_connection();
    CHECK(server.log.wait_ended());
    CHECK(server.log.handle().error() == std::errc::connection_reset);
  }
}

TEST_CASE("a stream outlives its client's session, unless it is not to") {
  stream_server server;
  auto client = server.client();
  SUBCASE("outlives") {
    auto peer = server.open(client);
    client.close();
    CHECK(wait_until([&] { return server->stats().clients == 0; }));
    peer.send("still here");
    CHECK(server.log.wait_received(10));
  }
  SUBCASE("is even opened after it") {
    const std::uint16_t port = server.offer(client);
    client.close();
    CHECK(wait_until([&] { return server->stats().clients == 0; }));
    tcp_peer peer({server.at().ip, port});
    CHECK(server.log.wait_linked());
  }
  SUBCASE("ends with it") {
    server.options.ends_with_client = true;
    auto peer = server.open(client);
    client.close();
    CHECK(peer.wait_end() == ending::reset);
    CHECK(server.log.wait_ended());
  }
}

TEST_CASE("a receiver that takes nothing for the send timeout is given up") {
  stream_server server;
  server.options.send_timeout = 100ms;
  const auto push = [](const vsoa::stream& s) {
    while (s.send(as_bytes(std::string(100000, 'x'))) != 0) {
    }
  };
  server.behaviour.on_link = [&](const vsoa::stream& s, bool connected) {
    if (connected) push(s);
  };
  server.behaviour.on_writable = push;
  auto client = server.client();
  auto peer = server.open(client);
  CHECK(server.log.wait_ended());
  CHECK(server.log.handle().error() == std::errc::timed_out);
  CHECK(server->stats().stream_queued_bytes == 0);
}

TEST_CASE("drain cuts off what has not been said, and that shows") {
  stream_server server;
  auto client = server.client();
  auto peer = server.open(client);
  CHECK(server.log.handle().send(as_bytes("a part of it")) == 12);
  CHECK(read_raw(peer, 12) == "a part of it");
  server->drain();
  CHECK(peer.wait_end() == ending::reset);
  CHECK(server.log.wait_ended());
}

TEST_CASE("drain sends what is queued, stop ends all, each says so once") {
  stream_server server({}, 2);
  auto client = server.client();
  auto idle_client = server.client();
  auto peer = server.open(client);
  const auto stream = server.log.handle();
  stream_log waiting;
  REQUIRE(server->create_stream(idle_client.client_id(), waiting.callbacks()));
  std::string expected;
  while (const std::size_t taken = stream.send(as_bytes(pattern(expected.size(), 100000))))
    expected += pattern(expected.size(), taken);
  stream.shutdown_write();
  server->drain();
  CHECK(waiting.ends() == 1);
  CHECK(server->create_stream(client.client_id(), {}).error == std::errc::operation_canceled);
  SUBCASE("read") {
    CHECK(read_to_end(peer) == expected);
    CHECK(wait_until([&] { return server->idle(); }));
    peer.close();
    CHECK(server.log.wait_ended());
  }
  SUBCASE("not read") {}
  server->stop();
  CHECK(server.log.ends() == 1);
  CHECK(waiting.ends() == 1);
  CHECK(server->stats().streams == 0);
}

}  // namespace stream_end_test
