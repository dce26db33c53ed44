// What check_access() forbids: server.hpp.

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

#include "test_server.hpp"

namespace access_test {

using namespace vsoa_test;
using right = vsoa::server::access;

constexpr int no_permissions = 5;

vsoa::server_options with_roles() {
  vsoa::server_options o;
  o.credentials = {{"viewer", "v"}, {"operator", "o"}};
  return o;
}

struct guarded_server : test_server {
  guarded_server() : test_server(with_roles()) {
    (*this)->check_access([](std::string_view role, right what, std::string_view url) {
      if (url == "/mad") throw std::runtime_error("told to");
      return role == "operator" || (what == right::subscribe && url.starts_with("/t/"));
    });
    (*this)->command("/echo", echo);
    (*this)->on_datagram([this](vsoa::client_id, std::string_view, vsoa::payload_view,
                                vsoa::channel) { ++datagrams; });
    start();
  }
  tcp_peer enter(const std::string& password) {
    tcp_peer peer = connect();
    peer.handshake(password);
    return peer;
  }
  std::atomic<int> datagrams = 0;
};

TEST_CASE("calls, subscriptions and datagrams that are not allowed") {
  guarded_server s;
  tcp_peer viewer = s.enter("v");
  CHECK(viewer.ask(rpc(1, "/echo", "1")).status == no_permissions);
  CHECK(viewer.ask(rpc(2, "/nothing")).status == no_permissions);
  CHECK(viewer.ask(subscribe(3, "/t/a")).status == 0);
  CHECK(viewer.ask(subscribe(4, "/")).status == no_permissions);
  // All or nothing.
  CHECK(viewer.ask(subscribe(5, "", R"(["/t/b","/u"])")).status == no_permissions);
  CHECK_FALSE(s->is_subscribed("/t/b"));
  CHECK(viewer.ask(unsubscribe(6, "/u")).status == 0);
  viewer.send(datagram("/echo"));
  viewer.ask(ping(7));
  CHECK(s.datagrams == 0);
  CHECK(s->stats().denied == 5);
  CHECK(s->stats().datagrams_in == 1);
  // The session is none the worse.
  s->publish("/t/a", text_payload("1"));
  CHECK(viewer.read().param == "1");
}

TEST_CASE("who may does, and a check that throws forbids") {
  guarded_server s;
  tcp_peer boss = s.enter("o");
  CHECK(boss.ask(rpc(1, "/echo", "1")).param == "1");
  CHECK(boss.ask(subscribe(2, "/")).status == 0);
  boss.send(datagram("/echo"));
  boss.ask(ping(3));
  CHECK(s.datagrams == 1);
  CHECK(s->stats().denied == 0);
  CHECK(boss.ask(rpc(4, "/mad")).status == no_permissions);
}

TEST_CASE("a check is not asked while there is nothing for it to forbid") {
  guarded_server s;
  tcp_peer viewer = s.enter("v");
  s->set_access_checked(false);
  CHECK(viewer.ask(rpc(1, "/echo", "1")).param == "1");
  CHECK(viewer.ask(subscribe(2, "/")).status == 0);
  s->access_changed();
  CHECK(s->is_subscribed("/u"));
  s->set_access_checked(true);
  CHECK(viewer.ask(rpc(3, "/echo", "1")).status == no_permissions);
  s->access_changed();
  REQUIRE(wait_until([&] { return !s->is_subscribed("/u"); }));
  CHECK(s->stats().denied == 2);
}

TEST_CASE("a server without a check asks none") {
  test_server s({}, 1);
  s->command("/echo", echo);
  s->set_access_checked(true);
  s.start();
  CHECK(s.client().ask(rpc(1, "/echo", "1")).param == "1");
}

TEST_CASE("a check that forbids more takes subscriptions away, when told") {
  std::atomic<bool> is_closed = false;
  std::atomic<int> lost = 0;
  test_server s({}, 2);
  s->check_access([&](std::string_view, right what, std::string_view url) {
    return what != right::subscribe || !is_closed || !url.starts_with("/secret");
  });
  s->on_unsubscribe([&](vsoa::client_id, std::span<const std::string_view> urls) {
    CHECK(urls.size() == 2);
    for (const std::string_view url : urls)
      CHECK(url.starts_with("/secret"));
    ++lost;
  });
  s.start();
  std::vector<tcp_peer> readers;
  for (int i = 0; i < 4; ++i) {  // on both loops
    readers.push_back(s.client());
    const auto granted = readers.back().ask(subscribe(1, "", R"(["/secret/","/open","/secret"])"));
    REQUIRE(granted.status == 0);
  }
  is_closed = true;
  s->access_changed();
  REQUIRE(wait_until([&] { return lost == 4; }));
  CHECK(s->stats().denied == 8);
  CHECK_FALSE(s->is_subscribed("/secret/a"));
  s->publish("/secret/a", text_payload("1"));
  s->publish("/open", text_payload("2"));
  for (tcp_peer& reader : readers)
    CHECK(reader.read().param == "2");
  // As after any other unsubscribing.
  is_closed = false;
  CHECK(readers[0].ask(subscribe(2, "/secret")).status == 0);
  s->publish("/secret", text_payload("3"));
  CHECK(readers[0].read().param == "3");
}

}  // namespace access_test
