// TLS: those who mean no good, or no TLS.

#include <doctest/doctest.h>

#include <random>

#include "tls_server.hpp"

namespace tls_hostile_test {

using namespace std::chrono_literals;
using namespace vsoa_test;

TEST_CASE("a plain client, and garbage, are told so by an alert and closed") {
  certificate_authority ca;
  test_server server(secured(ca));
  server.start();
  std::uint64_t failed = 0;
  for (const std::string& bytes :
       {servinfo(1, "{}").bytes(), std::string("GET / HTTP/1.1\r\n\r\n"), std::string(4096, '\0'),
        std::string(4096, '\x16'), from_hex("1603010005") + std::string("hello"),
        from_hex("15030100020100"), from_hex("16030147ff") + std::string(20000, 'x')}) {
    tcp_peer peer = server.connect();
    peer.send(bytes);
    peer.shutdown_write();
    CHECK(peer.wait_end() != ending::none);
    ++failed;
    CHECK(wait_until([&] { return server->stats().tls_failed == failed; }));
  }
  CHECK(wait_until([&] { return server->stats().clients == 0; }));
  tls_peer good(server.at(), trusting(ca));
  good.handshake();
}

TEST_CASE("a handshake of TLS has a time limit of its own, and so has that of VSOA behind it") {
  certificate_authority ca;
  vsoa::server_options options = secured(ca);
  options.tls->handshake_timeout = 100ms;
  options.limits.handshake_timeout = 100ms;
  test_server server(options);
  server.start();
  tcp_peer silent = server.connect();
  CHECK(silent.wait_end() != ending::none);
  CHECK(server->stats().tls_handshake_timeouts == 1);
  CHECK(server->stats().handshake_timeouts == 0);
  tls_peer idle(server.at(), trusting(ca));
  REQUIRE(idle.secure() == "");
  CHECK(idle.wait_end() == ending::closed);
  CHECK(idle.was_told_goodbye());
  CHECK(server->stats().handshake_timeouts == 1);
  CHECK(server->stats().tls_handshake_timeouts == 1);
}

TEST_CASE("the time of TLS's handshake is not that of VSOA's") {
  certificate_authority ca;
  vsoa::server_options options = secured(ca);
  options.limits.handshake_timeout = sanitized ? 2000ms : 500ms;
  test_server server(options);
  server.start();
  tls_peer peer(server.at(), trusting(ca));
  // Longer than the one for VSOA, before a single byte of TLS.
  CHECK(peer.raw().silent(options.limits.handshake_timeout + 100ms));
  peer.handshake();
  CHECK(server->stats().handshakes == 1);
}

TEST_CASE("those in TLS's handshake are counted among the handshakes, the oldest makes room") {
  certificate_authority ca;
  vsoa::server_options options = secured(ca);
  options.limits.handshakes = 3;
  test_server server(options);
  server.start();
  std::vector<tcp_peer> waiting;
  for (int i = 0; i < 3; ++i)
    waiting.push_back(server.connect());
  CHECK(wait_until([&] { return server->stats().clients == 3; }));
  tls_peer good(server.at(), trusting(ca));
  good.handshake();
  CHECK(waiting[0].wait_end() != ending::none);
  CHECK(server->stats().refused == 1);
}

TEST_CASE("a connection that goes away at any point of the handshake leaves nothing behind") {
  certificate_authority ca;
  test_server server(secured(ca));
  server.start();
  // What a client sends first: taken from one that is never answered.
  tls_peer recorder(server.at(), trusting(ca));
  recorder.handshake();
  for (std::size_t size = 0; size < 300; size += 23) {
    tls_peer_options options = trusting(ca);
    tcp_peer peer = server.connect();
    peer.send(from_hex("16030100f8010000f40303") + std::string(size, 'r'));
    if (size % 2 == 0) {
      peer.reset_connection();
    } else {
      peer.close();
    }
  }
  CHECK(wait_until([&] { return server->stats().clients == 1; }));
  CHECK(recorder.ask(ping(1)).type == type_pingecho);
}

TEST_CASE("any broken byte ends its connection, and no other") {
  tls_echo_server r;
  tls_peer healthy = r.connect();
  healthy.handshake();
  const std::string one = rpc(1, "/echo", "\"some text\"").bytes();
  tls_peer model = r.connect();
  model.handshake();
  const std::size_t size = model.encrypt(one).size();
  std::mt19937 random(7);
  for (std::size_t at = 0; at < size; at += 3) {
    tls_peer peer = r.connect();
    peer.handshake();
    std::string record = peer.encrypt(one);
    record[at] = static_cast<char>(record[at] ^ (1U << (random() % 8)));
    peer.raw().send(record);
    // A length that has become larger is waited for; the rest is noticed at once.
    const bool is_length = at == 3 || at == 4;
    if (is_length) peer.raw().send(std::string(20000, 'x'));
    CHECK(peer.wait_end() != ending::none);
  }
  CHECK(healthy.ask(rpc(9, "/echo", "9")).param == "9");
  CHECK(wait_until([&] { return r.server->stats().clients == 2; }));
}

TEST_CASE("noise of any kind behind a good handshake never does more than end it") {
  certificate_authority ca;
  test_server server(secured(ca));
  server.start();
  std::mt19937 random(11);
  for (int round = 0; round < 40; ++round) {
    tls_peer peer(server.at(), trusting(ca));
    peer.handshake();
    std::string noise(1 + random() % 3000, '\0');
    for (char& c : noise)
      c = static_cast<char>(random());
    if (round % 2 == 0)
      noise.replace(0, std::min<std::size_t>(3, noise.size()),
                    from_hex("170303").substr(0, std::min<std::size_t>(3, noise.size())));
    peer.raw().send(noise);
    if (round % 3 == 0)
      peer.raw().shutdown_write();
    else
      peer.raw().close();
  }
  CHECK(wait_until([&] { return server->stats().clients == 0; }));
  tls_peer good(server.at(), trusting(ca));
  good.handshake();
}

}  // namespace tls_hostile_test
