// Streams under TLS: both ends, and relays with it on one side or both.
#include "net/tls_context.hpp"
#include "stream/stream_connector.hpp"
#include "stream/stream_listener.hpp"
#include "stream/stream_relay.hpp"
#include "stream_sides.hpp"
#include "tls_server.hpp"

namespace tls_stream_test {

using namespace std::chrono_literals;
using namespace vsoa_test;

constexpr std::size_t total = 8U << 20;

vsoa::stream_security client_of(const certificate_authority& ca) {
  return {vsoa::net::tls_context::load(verifying(ca), vsoa::tls_role::client), "127.0.0.1"};
}

struct tls_sides : both_sides {
  explicit tls_sides(certificate_authority& ca, vsoa::server_options options)
      : both_sides(std::move(options), false), trusted(server.at(), trusting(ca)) {
    trusted.handshake();
    security = client_of(ca);
  }
  std::uint16_t offer_here(vsoa::stream_callbacks behaviour = {}) {
    return offer(std::move(behaviour), trusted.client_id());
  }
  tls_peer trusted;
};

vsoa::stream_callbacks echoing_to_the_end() {
  auto c = echoing();
  c.on_end = [](const vsoa::stream& s) { s.shutdown_write(); };
  return c;
}

TEST_CASE("an echo under TLS, half closes included") {
  certificate_authority ca;
  tls_sides r(ca, secured(ca));
  r.connect(r.offer_here(echoing_to_the_end()), sending(total, true));
  CHECK(r.ours.wait_ended());
  CHECK(r.theirs.wait_ended());
  CHECK(r.theirs.half_ends() == 1);
  CHECK(r.ours.received() == total);
  CHECK(r.theirs.received() == total);
  CHECK_FALSE(r.ours.handle().error());
}

TEST_CASE("a stopped reader under TLS goes on where it was") {
  certificate_authority ca;
  tls_sides r(ca, secured(ca));
  vsoa::stream_callbacks deaf;
  deaf.on_link = [](const vsoa::stream& s, bool connected) {
    if (connected) s.pause();
  };
  r.connect(r.offer_here(deaf), sending(total, false));
  CHECK(r.theirs.wait_linked());
  r.theirs.handle().resume();
  CHECK(r.theirs.wait_received(total));
  CHECK(is_pattern(r.theirs.text(), 0));
  CHECK(r.theirs.wait_ended());
}

TEST_CASE("an aborted stream says no goodbye, which would make it look whole") {
  certificate_authority ca;
  tls_sides r(ca, secured(ca));
  tls_peer peer({"127.0.0.1", r.offer_here()}, trusting(ca));
  REQUIRE(peer.secure().empty());
  CHECK(r.theirs.wait_linked());
  r.theirs.handle().abort();
  CHECK(peer.wait_end() == ending::reset);
  CHECK_FALSE(peer.was_told_goodbye());
}

TEST_CASE("paused before its client has come, TLS is agreed upon all the same") {
  certificate_authority ca;
  tls_sides r(ca, secured(ca));
  const auto offer = r.server->create_stream(r.trusted.client_id(), r.theirs.callbacks());
  REQUIRE(offer);
  offer.stream.pause();
  const auto stream = r.connect(offer.tunid);
  CHECK(r.ours.wait_linked());
  CHECK(r.theirs.wait_linked());
  CHECK(stream.send(as_bytes("early")) == 5);
  r.server.settle();
  CHECK(r.theirs.received() == 0);
  offer.stream.resume();
  CHECK(r.theirs.wait_received(5));
}

// It was read with the last bytes, is not asked for any more, and nothing else comes.
TEST_CASE("closed with the other side's goodbye still unheard") {
  certificate_authority ca;
  tls_sides r(ca, secured(ca));
  vsoa::stream_callbacks once;
  once.on_data = [](const vsoa::stream& s, std::span<const std::byte>) { s.pause(); };
  tls_peer peer({"127.0.0.1", r.offer_here(std::move(once))}, trusting(ca));
  REQUIRE(peer.secure().empty());
  CHECK(r.theirs.wait_linked());
  r.server.run_on_loop(0, [&] {  // which finds both in one read, afterwards
    peer.send("last word");
    peer.say_goodbye();
  });
  CHECK(r.theirs.wait_received(9));
  r.theirs.handle().close();
  r.theirs.handle().resume();
  r.server.settle();  // two rounds, as what resume() finds pending is posted
  r.server.settle();
  peer.raw().close();
  CHECK(r.theirs.wait_ended());
}

TEST_CASE("bytes that end without a goodbye are told as cut off") {
  certificate_authority ca;
  tls_sides r(ca, secured(ca));
  std::error_code at_the_end;
  vsoa::stream_callbacks listening;
  listening.on_end = [&](const vsoa::stream& s) {
    at_the_end = s.error();
    s.shutdown_write();
  };
  tls_peer peer({"127.0.0.1", r.offer_here(std::move(listening))}, trusting(ca));
  REQUIRE(peer.secure().empty());
  peer.send("half a fi");
  CHECK(r.theirs.wait_received(9));
  peer.raw().shutdown_write();
  CHECK(r.theirs.wait_ended());
  CHECK(at_the_end == std::errc::connection_aborted);
  CHECK(r.theirs.handle().error() == std::errc::connection_aborted);
}

TEST_CASE("who does not speak TLS, or not in time, has no stream") {
  certificate_authority ca;
  auto options = secured(ca);
  options.tls->handshake_timeout = 100ms;
  tls_sides r(ca, options);
  SUBCASE("plain") {
    tcp_peer peer({"127.0.0.1", r.offer_here()});
    peer.send("GET / HTTP/1.0\r\n\r\n");
    CHECK(r.theirs.wait_ended());
    CHECK(r.theirs.handle().error() == std::errc::protocol_error);
  }
  SUBCASE("silent") {
    tcp_peer peer({"127.0.0.1", r.offer_here()});
    CHECK(r.theirs.wait_ended());
    CHECK(r.theirs.handle().error() == std::errc::timed_out);
  }
  SUBCASE("a client that does not trust us") {
    certificate_authority other("Other CA");
    r.security = client_of(other);
    const auto stream = r.connect(r.offer_here());
    CHECK(r.ours.wait_ended());
    CHECK(stream.error() == std::errc::protocol_error);
    CHECK(r.theirs.wait_ended());
  }
  CHECK(r.theirs.links() == 0);
  CHECK(r.server->stats().streams == 0);
}

TEST_CASE("relays with TLS in front, behind, or both") {
  certificate_authority ca;
  bool is_front = false;
  bool is_behind = false;
  SUBCASE("in front") {
    is_front = true;
  }
  SUBCASE("behind") {
    is_behind = true;
  }
  SUBCASE("both") {
    is_front = is_behind = true;
  }
  both_sides plain;
  tls_sides r(ca, secured(ca));
  const std::uint16_t behind =
      is_behind ? r.offer_here(echoing_to_the_end()) : plain.offer(echoing_to_the_end());
  // What the server does for relay_stream(), with another's certificate in front.
  auto listening = vsoa::stream_listener::bind(loopback);
  const std::uint16_t port = vsoa::net::local_address(listening.get()).port;
  vsoa::stream_security front;
  if (is_front) {
    front.tls = vsoa::net::tls_context::load(*secured(ca).tls, vsoa::tls_role::server);
  } else {
    r.security = {};
  }
  const auto relay = std::make_shared<vsoa::stream_relay>(
      r.here(), vsoa::stream_options{}, true,
      std::array<vsoa::stream_security, 2>{front,
                                           is_behind ? client_of(ca) : vsoa::stream_security{}},
      r.registry->reserve(7), r.registry);
  relay->open(std::make_unique<vsoa::stream_listener>(r.here(), std::move(listening), loopback, 10s,
                                                      r.registry),
              std::make_unique<vsoa::stream_connector>(
                  r.here(), vsoa::socket_address{loopback, behind}, std::nullopt, 10s));
  r.connect(port, sending(total, true));
  CHECK(r.ours.wait_ended());
  CHECK(r.ours.received() == total);
  CHECK_FALSE(r.ours.handle().error());
  CHECK(wait_until([&] { return r.registry->count().now == 0; }));
}

}  // namespace tls_stream_test
