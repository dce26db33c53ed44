// Subscriptions, publishes, datagrams and priority, against our own server.
#include <doctest/doctest.h>

#include "test_client.hpp"

namespace message_test {

using namespace vsoa_test;

struct rig {
  rig() {
    server->on_datagram([this](vsoa::client_id who, std::string_view url, vsoa::payload_view p,
                               vsoa::channel via) { server->datagram(who, url, p, via); });
    server.start();
    client.on_message(into(messages));
    client.on_datagram(into(datagrams));
    REQUIRE(client.connect(url_of(server.at())) == std::error_code());
  }

  arrivals<message> messages;
  arrivals<message> datagrams;
  test_server server;
  running_loops own;
  vsoa::client client{own.loops};
};

TEST_CASE("subscribed, one or several: publishes come, normal and quick") {
  rig r;
  CHECK(!r.client.subscribe("/a"));
  CHECK(!r.client.subscribe({"/b/", "/c", "/c"}));
  CHECK(!r.client.subscribe(std::vector<std::string>{}));
  CHECK(r.client.subscriptions() == std::vector<std::string>{"/a", "/b/", "/c"});
  CHECK(r.client.subscribe("a") == vsoa::errc::invalid_url);
  CHECK(r.client.subscribe({"/d", "d"}) == vsoa::errc::invalid_url);
  for (const auto via : {vsoa::channel::normal, vsoa::channel::quick}) {
    for (const char* url : {"/a", "/b/x", "/b", "/c", "/d", "/a"})
      r.server->publish(url, text_payload("{}", "data"), via);
    for (const char* url : {"/a", "/b/x", "/b", "/c", "/a"}) {
      const message m = r.messages.take();
      CHECK(m.url == url);
      CHECK(m.param == "{}");
      CHECK(m.data == "data");
      CHECK(m.via == via);
    }
  }
}

TEST_CASE("unsubscribed, one, several or all") {
  rig r;
  const auto left = [&] {
    std::vector<std::string> urls;
    for (const char* url : {"/a", "/b", "/c", "/d"}) {
      if (r.server->is_subscribed(url)) urls.emplace_back(url);
    }
    CHECK(urls == r.client.subscriptions());
    return urls.size();
  };
  REQUIRE(!r.client.subscribe({"/a", "/b", "/c", "/d"}));
  CHECK(left() == 4);
  CHECK(!r.client.unsubscribe("/a"));
  CHECK(left() == 3);
  CHECK(!r.client.unsubscribe({"/a", "/b"}));
  CHECK(left() == 2);
  CHECK(!r.client.unsubscribe_all());
  CHECK(left() == 0);
}

TEST_CASE("a subscription that the server refuses has its status as error") {
  vsoa::server_options options;
  options.limits.subscriptions = 1;
  test_server server(options);
  server.start();
  running_loops own;
  vsoa::client c(own.loops);
  REQUIRE(!c.connect(url_of(server.at())));
  CHECK(!c.subscribe("/a"));
  CHECK(c.subscribe("/b") == vsoa::status::no_memory);
  CHECK(c.subscribe({"/a", "/c"}) == vsoa::status::no_memory);
  CHECK(c.subscriptions() == std::vector<std::string>{"/a"});
}

TEST_CASE("datagrams both ways, normal and quick") {
  rig r;
  for (const auto via : {vsoa::channel::normal, vsoa::channel::quick}) {
    CHECK(r.client.datagram("/d/x", text_payload("[1]", "data"), via));
    const message m = r.datagrams.take();
    CHECK(m.url == "/d/x");
    CHECK(m.param == "[1]");
    CHECK(m.data == "data");
    CHECK(m.via == via);
  }
  CHECK(!r.client.datagram("d", {}));
  const std::string large(vsoa::max_quick_send_bytes, 'x');
  CHECK(!r.client.datagram("/d", text_payload("", large), vsoa::channel::quick));
  CHECK(r.client.datagram("/d", text_payload("", large)));
  CHECK(r.datagrams.take().data == large);
}

TEST_CASE("without a quick channel nothing is sent on it") {
  test_server server;
  server.start();
  running_loops own;
  vsoa::client_options options;
  options.quick = false;
  vsoa::client c(own.loops, options);
  REQUIRE(!c.connect(url_of(server.at())));
  CHECK(c.info()->quick_port == 0);
  CHECK(server->client(c.info()->client_id)->quick_port == 0);
  CHECK(!c.datagram("/d", {}, vsoa::channel::quick));
}

TEST_CASE("the priority that the server sets arrives") {
  rig r;
  const auto id = r.client.info()->client_id;
  CHECK(r.server->set_priority(id, 5));
  CHECK(wait_until([&] { return r.client.info()->priority == 5; }));
  CHECK(r.server->set_priority(id, 0));
  CHECK(wait_until([&] { return r.client.info()->priority == 0; }));
}

}  // namespace message_test
