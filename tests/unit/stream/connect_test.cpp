// The client's side of a stream, with ours on the other side, and the relay between two.
#include <doctest/doctest.h>

#include "stream/stream_connector.hpp"
#include "stream/stream_listener.hpp"
#include "stream/stream_relay.hpp"
#include "stream_sides.hpp"

namespace connect_test {

using namespace std::chrono_literals;
using namespace vsoa_test;

TEST_CASE("our client's stream and our server's: an echo of 8 MiB") {
  constexpr std::size_t total = 8U << 20;
  both_sides r;
  r.connect(r.offer(echoing()), sending(total, true));
  CHECK(r.ours.wait_ended());
  CHECK(r.theirs.wait_ended());
  CHECK(r.ours.received() == total);
  CHECK(r.theirs.received() == total);
  CHECK_FALSE(r.ours.handle().error());
  CHECK(r.registry->count().now == 0);
}

TEST_CASE("a stream that is not offered is told as refused, once") {
  both_sides r;
  const std::uint16_t port = r.offer();
  tcp_peer first({"127.0.0.1", port});
  CHECK(r.theirs.wait_linked());
  const auto stream = r.connect(port);
  CHECK(r.ours.wait_ended());
  CHECK(r.ours.links() == 0);
  CHECK(stream.error() == std::errc::connection_refused);
  CHECK(r.ours.ends() == 1);
}

TEST_CASE("closed while it connects, and over the limit") {
  both_sides r;
  const auto stream = r.connect(r.offer());
  stream.abort();
  CHECK(r.ours.wait_ended());
  std::vector<vsoa::stream> many;
  std::vector<vsoa::stream_registry::place> places;
  while (auto place = r.registry->reserve(0))
    places.push_back(std::move(place));
  CHECK(places.size() == 16);
  CHECK_FALSE(r.connect(1));
  CHECK(r.registry->count().refused >= 2);
}

// --- relay ---

TEST_CASE("a relayed stream: an echo of 8 MiB, half closes passed on") {
  constexpr std::size_t total = 8U << 20;
  relayed r;
  auto echo = echoing();
  echo.on_end = [](const vsoa::stream& s) { s.shutdown_write(); };
  r.connect(r.relay(r.offer(echo)), sending(total, true));
  CHECK(r.ours.wait_ended());
  CHECK(r.theirs.wait_ended());
  CHECK(r.theirs.half_ends() == 1);
  CHECK(r.ours.received() == total);
  CHECK_FALSE(r.ours.handle().error());
  CHECK(r.is_over());
  CHECK(r.front->stats().stream_sent_bytes == 2 * total);
}

TEST_CASE("a relay that copies does the same") {
  constexpr std::size_t total = 8U << 20;
  relayed r;
  auto echo = echoing();
  echo.on_end = [](const vsoa::stream& s) { s.shutdown_write(); };
  auto listening = vsoa::stream_listener::bind(loopback);
  const std::uint16_t port = vsoa::net::local_address(listening.get()).port;
  const auto relay = std::make_shared<vsoa::stream_relay>(r.here(), vsoa::stream_options{}, false,
                                                          std::array<vsoa::stream_security, 2>{},
                                                          r.registry->reserve(7), r.registry);
  relay->open(std::make_unique<vsoa::stream_listener>(r.here(), std::move(listening), loopback,
                                                      std::chrono::seconds(10), r.registry),
              std::make_unique<vsoa::stream_connector>(
                  r.here(), vsoa::socket_address{loopback, r.offer(echo)}, std::nullopt,
                  std::chrono::seconds(10)));
  r.connect(port, sending(total, true));
  CHECK(r.ours.wait_ended());
  CHECK(r.theirs.wait_ended());
  CHECK(r.ours.received() == total);
  CHECK(wait_until([&] { return r.registry->count().now == 0; }));
}

TEST_CASE("a relay passes on that a reader stops") {
  relayed r;
  vsoa::stream_callbacks deaf;
  deaf.on_link = [](const vsoa::stream& s, bool connected) {
    if (connected) s.pause();
  };
  const std::uint16_t port = r.relay(r.offer(deaf));
  tcp_peer peer({"127.0.0.1", port});
  CHECK(r.theirs.wait_linked());
  constexpr std::size_t total = 64U << 20;
  const std::string bytes = pattern(0, 1U << 20);
  std::size_t sent = 0;
  const auto push = [&] {
    std::size_t all = 0;
    while (sent < total) {
      const std::size_t taken = peer.send_some(bytes);
      if (taken == 0) break;
      sent += taken;
      all += taken;
    }
    return all;
  };
  // Until neither the relay nor the kernels take any more.
  CHECK(wait_until([&] {
    r.front.settle();
    return push() == 0;
  }));
  CHECK(sent < total);
  r.theirs.handle().resume();
  CHECK(r.theirs.wait_received(sent));
}

TEST_CASE("how a relay ends") {
  relayed r;
  SUBCASE("nobody behind") {
    tcp_peer peer({"127.0.0.1", r.relay(1)});
    CHECK(peer.wait_end() == ending::reset);
  }
  SUBCASE("the client resets") {
    tcp_peer peer({"127.0.0.1", r.relay(r.offer())});
    CHECK(r.theirs.wait_linked());
    peer.reset_connection();
    CHECK(r.theirs.wait_ended());
    CHECK(r.theirs.handle().error() == std::errc::connection_reset);
  }
  SUBCASE("the one behind resets") {
    tcp_peer peer({"127.0.0.1", r.relay(r.offer())});
    CHECK(r.theirs.wait_linked());
    r.theirs.handle().abort();
    CHECK(peer.wait_end() == ending::reset);
  }
  SUBCASE("the client never comes") {
    r.relay(r.offer(), {.timeout = 50ms});
  }
  SUBCASE("the session ends") {
    tcp_peer peer({"127.0.0.1", r.relay(r.offer(), {.ends_with_client = true})});
    CHECK(r.theirs.wait_linked());
    r.client->close();
    CHECK(peer.wait_end() == ending::reset);
  }
  SUBCASE("the server drains") {
    tcp_peer peer({"127.0.0.1", r.relay(r.offer())});
    CHECK(r.theirs.wait_linked());
    r.front->drain();
    CHECK(peer.wait_end() == ending::reset);
    CHECK(r.theirs.wait_ended());
    CHECK(r.theirs.handle().error() == std::errc::connection_reset);
  }
  SUBCASE("the server stops") {
    tcp_peer peer({"127.0.0.1", r.relay(r.offer())});
    CHECK(r.theirs.wait_linked());
    r.front->stop();
    CHECK(peer.wait_end() != ending::none);
  }
  CHECK(r.is_over());
}

}  // namespace connect_test
