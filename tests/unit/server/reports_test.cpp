// What a server tells operators of its sessions and their subscriptions.

#include <doctest/doctest.h>

#include <set>

#include "test_server.hpp"

namespace reports_test {

using namespace vsoa_test;

TEST_CASE("sessions are listed, the oldest first, with what went through them") {
  test_server server({}, 2);
  server.start();
  CHECK(server->sessions(10).total == 0);
  std::vector<tcp_peer> peers;
  for (int i = 0; i < 5; ++i)
    peers.push_back(server.client());
  tcp_peer stranger = server.connect();  // has not shaken hands
  subscribe_to(peers[0], "/a");
  subscribe_to(peers[0], "/b/");
  // The answers were here before their writers have counted them.
  for (std::size_t i = 0; i < server.loops().size(); ++i)
    server.settle(i);
  const vsoa::session_list all = server->sessions(10);
  CHECK(all.total == 5);
  REQUIRE(all.sessions.size() == 5);
  std::set<vsoa::client_id> ids;
  for (std::size_t i = 0; i < 5; ++i) {
    const vsoa::session_report& s = all.sessions[i];
    ids.insert(s.client.id);
    CHECK(s.client.address.port == peers[i].local().port);
    CHECK(s.subscriptions == (i == 0 ? 2 : 0));
    CHECK(s.received_bytes > 0);
    CHECK(s.sent_bytes > 0);
    CHECK(s.queued_bytes == 0);
    CHECK(s.age < std::chrono::minutes(5));
    CHECK(s.certificate.empty());
  }
  CHECK(ids.size() == 5);
  const vsoa::session_list some = server->sessions(2);
  CHECK(some.total == 5);
  REQUIRE(some.sessions.size() == 2);
  CHECK(some.sessions[0].client.id == all.sessions[0].client.id);
  CHECK(some.sessions[1].client.id == all.sessions[1].client.id);
  CHECK(server->sessions(0).sessions.empty());
}

TEST_CASE("what a session does not take is queued for it") {
  vsoa::server_options options;
  options.limits.send_timeout = std::chrono::minutes(1);
  options.limits.slow = vsoa::slow_consumer::drop;
  test_server server(options);
  server.start();
  tcp_peer slow = server.client(0, {.local_ip = {}, .receive_buffer = 4096});
  subscribe_to(slow, "/");
  const std::string data(100'000, 'x');
  // The kernel takes more and more for a while: until it does not, what is queued may be gone by
  // the next look.
  CHECK(wait_until([&] {
    server->publish("/x", text_payload({}, data));
    const vsoa::session_report s = server->sessions(1).sessions.at(0);
    return s.sent_bytes > 0 && s.queued_bytes > data.size() &&
           s.queued_bytes <= server->stats().outbox_bytes;
  }));
}

TEST_CASE("subscribed URLs, those with the most subscribers first, of all loops together") {
  test_server server({}, 2);
  server.start();
  CHECK(server->subscribed_urls(10).empty());
  std::vector<tcp_peer> peers;
  for (int i = 0; i < 4; ++i)
    peers.push_back(server.client());
  for (tcp_peer& peer : peers)
    subscribe_to(peer, "/all/");
  subscribe_to(peers[0], "/two");
  subscribe_to(peers[1], "/two");
  subscribe_to(peers[2], "/b");
  subscribe_to(peers[3], "/a");
  const auto found = server->subscribed_urls(10);
  const std::vector<std::pair<std::string, std::size_t>> expected{
      {"/all/", 4}, {"/two", 2}, {"/a", 1}, {"/b", 1}};
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(found[i].url == expected[i].first);
    CHECK(found[i].subscribers == expected[i].second);
  }
  const auto most = server->subscribed_urls(2);
  REQUIRE(most.size() == 2);
  CHECK(most[1].url == "/two");
}

}  // namespace reports_test
