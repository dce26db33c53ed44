// Clients that do not read, or do not finish what they write.

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <thread>

#include "test_server.hpp"

namespace slow_test {

using namespace std::chrono_literals;
using namespace vsoa_test;

constexpr std::size_t outbox = 512 * 1024;
constexpr auto never = std::chrono::hours(1);

vsoa::server_options small_outbox(vsoa::slow_consumer slow, std::chrono::milliseconds timeout) {
  vsoa::server_options o;
  o.limits.outbox = outbox;
  o.limits.slow = slow;
  o.limits.send_timeout = timeout;
  return o;
}

// A client with a small receive buffer: what it does not read soon waits at the server.
tcp_peer slow_client(test_server& server) {
  tcp_peer peer = server.client(0, {.local_ip = {}, .receive_buffer = 4096});
  peer.ask(ping(0));  // nothing is held back any more
  return peer;
}

// Publishes to one client whenever nothing waits at the server, which is never full then, until
// `done`. What the kernel takes at last, seconds later, is made up for.
bool fill_until(test_server& server, std::uint32_t client, const std::function<bool()>& done) {
  const std::string data(100000, 'x');
  return wait_until([&] {
    if (server->stats().outbox_bytes == 0) {
      server->publish_to(client, "/filler", text_payload({}, data));
      server.settle();
    }
    return done();
  });
}

TEST_CASE("a subscriber whose outbox is full is reset, the others get everything") {
  test_server server(small_outbox(vsoa::slow_consumer::close, never));
  server.start();
  tcp_peer slow = slow_client(server);
  tcp_peer healthy = server.client();
  subscribe_to(slow, "/t");
  subscribe_to(healthy, "/t");
  const std::string data(50000, 'x');
  std::uint64_t published = 0;
  std::uint64_t seen = 0;
  while (server->stats().slow_closed == 0) {
    REQUIRE(published < 1000);
    server->publish("/t", text_payload(std::to_string(published++), data));
    CHECK(healthy.read().param == std::to_string(seen++));
    CHECK(server->stats().outbox_bytes <= 2 * outbox + data.size());
  }
  CHECK(slow.wait_end() == ending::reset);
  CHECK(wait_until([&] { return server->clients().size() == 1; }));
  CHECK(wait_until([&] { return server->stats().outbox_bytes == 0; }));
  CHECK(server->stats().dropped == 1);
  CHECK(healthy.ask(ping(1)).type == type_pingecho);
}

TEST_CASE("with `drop` a slow subscriber stays, and misses what did not fit") {
  test_server server(small_outbox(vsoa::slow_consumer::drop, 50ms));
  server.start();
  tcp_peer slow = slow_client(server);
  subscribe_to(slow, "/t");
  const std::string data(50000, 'x');
  int published = 0;
  while (server->stats().dropped == 0) {
    REQUIRE(published < 1000);
    server->publish("/t", text_payload(std::to_string(published++), data));
    server.settle();
  }
  server->publish("/t", text_payload("dropped too", data));
  ::poll(nullptr, 0, 100);  // longer than the send timeout, which must not matter
  CHECK(server->stats().slow_closed == 0);
  CHECK(server->stats().outbox_bytes <= outbox);
  for (int i = 0; i < published - 1; ++i)
    CHECK(slow.read().param == std::to_string(i));
  CHECK(wait_until([&] { return server->stats().outbox_bytes == 0; }));
  server->publish("/t", text_payload("after"));
  CHECK(slow.read().param == "after");
  CHECK(slow.ask(ping(1)).type == type_pingecho);
}

TEST_CASE("nothing written for the send timeout: reset") {
  test_server server(small_outbox(vsoa::slow_consumer::close, 150ms));
  server.start();
  tcp_peer slow = slow_client(server);
  const auto before = test_clock::now();
  CHECK(fill_until(server, slow.client_id(), [&] { return server->stats().slow_closed == 1; }));
  CHECK(test_clock::now() - before >= 150ms);
  CHECK(slow.wait_end() == ending::reset);
}

TEST_CASE("the send timeout of one client, and of all") {
  test_server server(small_outbox(vsoa::slow_consumer::close, never));
  server.start();
  tcp_peer patient = slow_client(server);
  tcp_peer impatient = slow_client(server);
  CHECK(server->set_send_timeout(impatient.client_id(), 50ms));
  CHECK_FALSE(server->set_send_timeout(impatient.client_id() + 1, 50ms));
  const auto closed = [&] { return server->stats().slow_closed; };
  CHECK(fill_until(server, impatient.client_id(), [&] { return closed() == 1; }));
  CHECK(impatient.wait_end() == ending::reset);
  tcp_peer existing = slow_client(server);
  server->set_send_timeout(50ms, false);
  tcp_peer late = slow_client(server);
  CHECK(fill_until(server, late.client_id(), [&] { return closed() == 2; }));
  CHECK(late.wait_end() == ending::reset);
  const auto enough = test_clock::now() + 300ms;
  CHECK(fill_until(server, existing.client_id(), [&] { return test_clock::now() > enough; }));
  server->set_send_timeout(50ms, true);
  CHECK(fill_until(server, patient.client_id(), [&] { return closed() >= 3; }));
}

// Its bites are much smaller than what the kernel wants free before it calls a socket writable.
TEST_CASE("a reader that is slow but steady is not reset") {
  test_server server(small_outbox(vsoa::slow_consumer::close, 700ms));
  server.start();
  tcp_peer slow = slow_client(server);
  subscribe_to(slow, "/t");
  // Far longer than the timeout in all, each bite well within it.
  const auto end = test_clock::now() + 2500ms;
  std::vector<char> bite(100000);
  while (test_clock::now() < end) {
    REQUIRE(::recv(slow.fd(), bite.data(), bite.size(), MSG_DONTWAIT) != 0);
    if (server->stats().outbox_bytes < outbox / 2) {
      server->publish("/t", text_payload({}, std::string(100000, 'x')));
    }
    ::poll(nullptr, 0, 10);
  }
  CHECK(server->stats().slow_closed == 0);
}

TEST_CASE("a caller that never reads its replies is held, then reset; memory stays bounded") {
  test_server server(small_outbox(vsoa::slow_consumer::close, 200ms));
  server->command("/echo", echo);
  server.start();
  tcp_peer greedy = slow_client(server);
  tcp_peer healthy = server.client();
  std::string calls;
  for (int i = 0; i < 100; ++i)
    calls += rpc(1, "/echo", {}, std::string(1000, 'x')).bytes();
  std::size_t sent = 0;
  std::uint64_t most = 0;
  CHECK(wait_until([&] {
    const std::size_t at = sent % calls.size();
    sent += greedy.send_some(std::string_view(calls).substr(at));
    most = std::max(most, server->stats().outbox_bytes);
    return server->stats().slow_closed == 1;
  }));
  CHECK(most <= outbox);
  CHECK(greedy.wait_end() != ending::none);
  CHECK(healthy.ask(rpc(1, "/echo", "{}")).status == 0);
}

TEST_CASE("a caller that reads late gets every answer") {
  test_server server(small_outbox(vsoa::slow_consumer::close, 0ms));  // none
  server->command("/echo", echo);
  server.start();
  tcp_peer late = slow_client(server);
  constexpr std::uint32_t calls = 5000;
  const std::string data(1000, 'x');
  std::thread sender([&] {
    for (std::uint32_t i = 0; i < calls; ++i)
      late.send(rpc(i, "/echo", {}, data));
  });
  // Let it come to a stand: the server answers no more than half an outbox ahead.
  std::uint64_t last = 0;
  CHECK(wait_until([&] {
    const std::uint64_t now = server->stats().calls;
    if (now == last && now != 0) return true;
    last = now;
    ::poll(nullptr, 0, 100);
    return false;
  }));
  CHECK(server->stats().outbox_bytes <= outbox);
  bool ordered = true;
  for (std::uint32_t i = 0; i < calls; ++i)
    ordered = ordered && late.read().seqno == i;
  sender.join();
  CHECK(ordered);
  CHECK(server->stats().slow_closed == 0);
}

TEST_CASE("a full outbox of deferred answers resets the caller, even with `drop`") {
  std::vector<vsoa::deferred_call> calls;  // touched by the loop alone
  test_server server(small_outbox(vsoa::slow_consumer::drop, never));
  server->command("/later", [&](vsoa::call& c) { calls.push_back(c.defer()); });
  server.start();
  tcp_peer slow = slow_client(server);
  for (std::uint32_t i = 0; i < 50; ++i)
    slow.send(rpc(i, "/later"));
  REQUIRE(wait_until([&] {
    std::size_t count = 0;
    server.run_on_loop(0, [&] { count = calls.size(); });
    return count == 50;
  }));
  const std::string data(200000, 'x');
  server.run_on_loop(0, [&] {
    for (auto& c : calls)
      c.reply(vsoa::status::success, text_payload({}, data));
    calls.clear();
  });
  CHECK(slow.wait_end() == ending::reset);
  CHECK(wait_until([&] { return server->stats().slow_closed == 1 && server->idle(); }));
}

// The answers fill half an outbox in the middle of a read and are offered to a socket that is gone;
// whatever packet is next is a SUBSCRIBE.
TEST_CASE("nothing of a read is heeded behind the write that has found the client gone") {
  vsoa::server_options options;
  options.limits.outbox = 4096;
  test_server server(options);
  server.start();
  tcp_peer peer = server.client();
  peer.ask(ping(0));  // nothing is held back any more
  std::string burst;
  for (std::uint32_t i = 0; i < 200; ++i)
    burst += subscribe(i, "/t").bytes();
  server.run_on_loop(0, [&] {  // which reads it all at once, afterwards
    peer.send(burst);
    peer.reset_connection();
  });
  CHECK(wait_until([&] { return server->stats().clients == 0; }));
  CHECK_FALSE(server->is_subscribed("/t"));
  server->publish("/t", {});
  server.settle();
  CHECK(server->idle());
}

TEST_CASE("a packet begun must be finished in time") {
  vsoa::server_options options;
  options.limits.partial_timeout = 100ms;
  test_server server(options);
  server.start();
  for (const std::size_t size : {1U, 19U, 20U, 25U}) {
    CAPTURE(size);
    tcp_peer peer = server.client();
    const auto before = test_clock::now();
    peer.send(rpc(1, "/abcde").bytes().substr(0, size));
    CHECK(peer.wait_end() != ending::none);
    CHECK(test_clock::now() - before >= 100ms);
  }
  CHECK(wait_until([&] { return server->stats().partial_timeouts == 4; }));
  tcp_peer idle = server.client();
  CHECK(idle.silent(300ms));
  CHECK(idle.ask(ping(1)).type == type_pingecho);
}

// Each read ends in the middle of a packet, but no packet takes long.
TEST_CASE("a stream that is never at a packet's end is not cut by the partial timeout") {
  vsoa::server_options options;
  options.limits.partial_timeout = 700ms;
  test_server server(options);
  server.start();
  tcp_peer peer = server.client();
  const std::string bytes = ping(1).bytes();
  peer.send(bytes.substr(0, 10));
  const auto end = test_clock::now() + 2s;
  while (test_clock::now() < end) {
    peer.send(bytes.substr(10) + bytes.substr(0, 10));
    CHECK(peer.read().type == type_pingecho);
    ::poll(nullptr, 0, 10);
  }
  CHECK(server->stats().partial_timeouts == 0);
}

TEST_CASE("without a partial timeout half a packet may stay") {
  vsoa::server_options options;
  options.limits.partial_timeout = 0ms;
  test_server server(options);
  server.start();
  tcp_peer peer = server.client();
  const std::string bytes = ping(1).bytes();
  peer.send(bytes.substr(0, 10));
  CHECK(peer.silent(200ms));
  peer.send(bytes.substr(10));
  CHECK(peer.read().type == type_pingecho);
}

}  // namespace slow_test
