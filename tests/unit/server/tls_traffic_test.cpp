// TLS: bytes both ways, whatever their pieces; slow readers; the end.

#include <doctest/doctest.h>

#include "tls_server.hpp"

namespace tls_traffic_test {

using namespace std::chrono_literals;
using namespace vsoa_test;

TEST_CASE("whatever the pieces: each byte of a session alone") {
  certificate_authority ca;
  test_server server(mutual(ca));
  server->command("/echo", echo);
  server.start();
  tls_peer_options options = trusting(ca);
  options.identity = ca.issue();
  options.piece = 1;
  tls_peer peer(server.at(), options);
  peer.handshake();
  CHECK(peer.ask(rpc(1, "/echo", "\"one byte at a time\"")).param == "\"one byte at a time\"");
}

TEST_CASE("a packet cut at every place of its record") {
  tls_echo_server r;
  tls_peer peer = r.connect();
  peer.handshake();
  const std::string one = rpc(1, "/echo", "123").bytes();
  const std::string first = peer.encrypt(one);
  const std::size_t size = first.size();
  peer.raw().send(first);
  CHECK(peer.read().param == "123");
  for (std::size_t cut = 1; cut < size; ++cut) {
    const std::string record = peer.encrypt(one);
    peer.raw().send(std::string_view(record).substr(0, cut));
    r.server.settle();
    peer.raw().send(std::string_view(record).substr(cut));
    CHECK(peer.read().param == "123");
  }
}

TEST_CASE("many records in one piece, the last unfinished") {
  tls_echo_server r;
  tls_peer peer = r.connect();
  peer.handshake();
  std::string all;
  constexpr std::uint32_t count = 500;
  for (std::uint32_t i = 1; i <= count; ++i)
    all += peer.encrypt(rpc(i, "/echo", std::to_string(i)).bytes());
  peer.raw().send(std::string_view(all).substr(0, all.size() - 5));
  for (std::uint32_t i = 1; i < count; ++i)
    CHECK(peer.read().param == std::to_string(i));
  peer.raw().send(std::string_view(all).substr(all.size() - 5));
  CHECK(peer.read().param == std::to_string(count));
}

TEST_CASE("the largest packets, both ways, several under way") {
  tls_echo_server r(2);
  tls_peer peer = r.connect();
  peer.handshake();
  std::string data(260000, '\0');
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<char>(i * 31 >> 3U);
  for (std::uint32_t i = 1; i <= 4; ++i)
    peer.send(rpc(i, "/echo", "", data));
  for (std::uint32_t i = 1; i <= 4; ++i) {
    const packet reply = peer.read();
    CHECK(reply.seqno == i);
    CHECK(reply.data == data);
  }
}

TEST_CASE("before the handshake of VSOA a packet has 4 KiB, over TLS too") {
  certificate_authority ca;
  test_server server(secured(ca));
  server.start();
  tls_peer peer(server.at(), trusting(ca));
  REQUIRE(peer.secure() == "");
  peer.send(servinfo(1, "{\"a\":\"" + std::string(5000, 'x') + "\"}"));
  CHECK(peer.wait_end() != ending::none);
  CHECK(wait_until([&] { return server->stats().protocol_errors == 1; }));
}

TEST_CASE("publishes go to subscribers with and without much to read") {
  certificate_authority ca;
  test_server server(secured(ca), 2);
  server.start();
  tls_peer a(server.at(), trusting(ca));
  tls_peer b(server.at(), trusting(ca));
  for (tls_peer* each : {&a, &b}) {
    each->handshake();
    CHECK(each->ask(subscribe(1, "/t")).status == 0);
  }
  constexpr int count = 300;
  for (int i = 0; i < count; ++i)
    server->publish(
        "/t", text_payload(std::to_string(i), std::string(static_cast<std::size_t>(i) * 7, 'p')));
  for (int i = 0; i < count; ++i) {
    CHECK(a.read().param == std::to_string(i));
    CHECK(b.read().data.size() == static_cast<std::size_t>(i) * 7);
  }
}

TEST_CASE("who does not read is reset, and what waits for it is bounded") {
  certificate_authority ca;
  vsoa::server_options options = secured(ca);
  options.limits.outbox = 512 * 1024;
  options.limits.send_timeout = 100ms;
  test_server server(options);
  server.start();
  tls_peer_options slow = trusting(ca);
  slow.tcp.receive_buffer = 4096;
  tls_peer peer(server.at(), slow);
  peer.handshake();
  peer.ask(subscribe(1, "/t"));
  const std::string data(50000, 'x');
  CHECK(wait_until([&] {
    if (server->stats().outbox_bytes == 0) server->publish("/t", text_payload("1", data));
    CHECK(server->stats().outbox_bytes <= 2 * options.limits.outbox);
    return server->stats().slow_closed == 1;
  }));
  CHECK(wait_until([&] { return server->stats().outbox_bytes == 0; }));
}

TEST_CASE("who reads slowly gets everything, in order and undamaged") {
  certificate_authority ca;
  vsoa::server_options options = secured(ca);
  options.limits.send_timeout = 1h;
  options.limits.outbox = 64U << 20;
  test_server server(options);
  server.start();
  tls_peer_options slow = trusting(ca);
  slow.tcp.receive_buffer = 4096;
  tls_peer peer(server.at(), slow);
  peer.handshake();
  peer.ask(subscribe(1, "/t"));
  std::string data(30000, '\0');
  for (std::size_t i = 0; i < data.size(); ++i)
    data[i] = static_cast<char>(i * 7);
  constexpr int count = 200;  // 6 MB: more than both sockets hold
  for (int i = 0; i < count; ++i)
    server->publish("/t", text_payload(std::to_string(i), data));
  for (int i = 0; i < count; ++i) {
    const packet p = peer.read();
    CHECK(p.param == std::to_string(i));
    CHECK(p.data == data);
  }
  CHECK(wait_until([&] { return server->stats().outbox_bytes == 0; }));
}

TEST_CASE("the server says goodbye: when it closes, and behind the last answer") {
  certificate_authority ca;
  vsoa::server_options options = secured(ca);
  options.credentials = {{"user", "secret"}};
  test_server server(options);
  server.start();
  tls_peer closed(server.at(), trusting(ca));
  closed.handshake("secret");
  server->close(closed.client_id());
  CHECK(closed.wait_end() == ending::closed);
  CHECK(closed.was_told_goodbye());
  tls_peer refused(server.at(), trusting(ca));
  REQUIRE(refused.secure() == "");
  CHECK(refused.ask(servinfo(1, "{\"passwd\":\"wrong\"}")).status == status_password);
  CHECK(refused.wait_end() == ending::closed);
  CHECK(refused.was_told_goodbye());
}

TEST_CASE("a client's goodbye ends its session, with or without the end of the stream") {
  tls_echo_server r;
  tls_peer polite = r.connect();
  polite.handshake();
  polite.raw().send(polite.encrypt(rpc(1, "/echo", "1").bytes()));
  polite.say_goodbye();
  CHECK(wait_until([&] { return r.server->stats().clients == 0; }));
  tls_peer abrupt = r.connect();
  abrupt.handshake();
  abrupt.raw().close();
  CHECK(wait_until([&] { return r.server->stats().clients == 0; }));
}

TEST_CASE("new keys in the middle of a session") {
  tls_echo_server r;
  tls_peer peer = r.connect();
  peer.handshake();
  for (std::uint32_t i = 1; i <= 20; ++i) {
    peer.update_keys();
    CHECK(peer.ask(rpc(i, "/echo", "5")).param == "5");
  }
}

TEST_CASE("input that is held back is worked off later, over TLS too") {
  certificate_authority ca;
  vsoa::server_options options = secured(ca);
  options.limits.outbox = 300000;
  options.limits.send_timeout = 1h;
  test_server server(options);
  server->command("/big", [](vsoa::call& c) {
    c.reply(vsoa::status::success, text_payload("", std::string(100000, 'b')));
  });
  server.start();
  tls_peer_options slow = trusting(ca);
  slow.tcp.receive_buffer = 4096;
  tls_peer peer(server.at(), slow);
  peer.handshake();
  constexpr std::uint32_t count = 60;  // far more answers than an outbox
  std::string all;
  for (std::uint32_t i = 1; i <= count; ++i)
    all += rpc(i, "/big").bytes();
  peer.send(all);
  for (std::uint32_t i = 1; i <= count; ++i) {
    const packet reply = peer.read();
    CHECK(reply.seqno == i);
    CHECK(reply.data.size() == 100000);
  }
}

}  // namespace tls_traffic_test
