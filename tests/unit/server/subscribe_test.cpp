// SUBSCRIBE and UNSUBSCRIBE in all their forms: wire notes, "Subscriptions".

#include <doctest/doctest.h>

#include <mutex>

#include "test_server.hpp"

namespace subscribe_test {

using namespace vsoa_test;

using url_list = std::vector<std::string>;

// What the callbacks were told.
class event_log {
 public:
  void watch(vsoa::server& s) {
    s.on_subscribe([this](vsoa::client_id, auto urls) { add("+", urls); });
    s.on_unsubscribe([this](vsoa::client_id, auto urls) { add("-", urls); });
  }
  url_list take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
  }

 private:
  void add(const char* sign, std::span<const std::string_view> urls) {
    const std::lock_guard lock(mutex_);
    for (const std::string_view url : urls)
      events_.push_back(sign + std::string(url));
  }
  std::mutex mutex_;
  url_list events_;
};

struct step {
  std::uint8_t type;
  const char* url;
  const char* param;
  int status;
  url_list events;
};

void run(tcp_peer& peer, event_log& log, const std::vector<step>& steps) {
  std::uint32_t seqno = 0;
  for (const step& s : steps) {
    packet request = subscribe(++seqno, s.url, s.param);
    request.type = s.type;
    CAPTURE(seqno);
    const packet reply = peer.ask(request);
    CHECK(reply.type == s.type);
    CHECK(reply.flags == flag_reply);
    CHECK(reply.status == s.status);
    CHECK(reply.seqno == seqno);
    CHECK(reply.param.empty());
    CHECK(reply.data.empty());
    peer.ask(ping(0));  // the callbacks run behind the answer
    CHECK(log.take() == s.events);
  }
}

TEST_CASE("every form of request, one after the other on one client") {
  constexpr auto sub = type_subscribe;
  constexpr auto unsub = type_unsubscribe;
  const std::vector<step> steps = {
      {sub, "/a", "", 0, {"+/a"}},
      {sub, "/a", "", 0, {}},  // once is enough
      {sub, "/b/", R"(["/ignored"])", 0, {"+/b/"}},
      {sub, "a", "", status_arguments, {}},
      {sub, "/\xff", "", status_arguments, {}},
      {sub, "", "", status_arguments, {}},
      {sub, "", "{}", status_arguments, {}},
      {sub, "", R"("/c")", status_arguments, {}},
      {sub, "", "null", status_arguments, {}},
      {sub, "", "garbage", status_arguments, {}},
      {sub, "", "[]", 0, {}},
      {sub, "", R"(["/c","/d","/a","/c"])", 0, {"+/c", "+/d"}},
      {sub, "", R"(["/e","f"])", status_arguments, {}},
      {sub, "", R"(["/e",1])", status_arguments, {}},
      {sub, "", R"(["/e",""])", status_arguments, {}},
      {unsub, "/e", "", 0, {}},
      {unsub, "e", "", status_arguments, {}},
      {unsub, "", "[]", 0, {}},
      {unsub, "", "{}", status_arguments, {}},
      {unsub, "", R"("/a")", status_arguments, {}},
      {unsub, "", R"(["/a","b"])", status_arguments, {}},
      {unsub, "/a", R"(["/b/"])", 0, {"-/a"}},
      {unsub, "", R"(["/c","/nothing","/c"])", 0, {"-/c"}},
      {unsub, "", "", 0, {"-/b/", "-/d"}},
      {unsub, "", "", 0, {}},
      {sub, "/", "", 0, {"+/"}},
      {unsub, "", "null", 0, {"-/"}},
  };
  test_server server;
  event_log log;
  log.watch(*server);
  server.start();
  tcp_peer peer = server.client();
  run(peer, log, steps);
  CHECK_FALSE(server->is_subscribed("/a"));
}

TEST_CASE("who is subscribed, to whom and to what") {
  for (const std::size_t loops : {1U, 2U}) {
    test_server server({}, loops);
    server.start();
    tcp_peer first = server.client();
    tcp_peer second = server.client();
    CHECK_FALSE(server->is_subscribed("/a"));
    subscribe_to(first, "/a/");
    subscribe_to(second, "/b");
    for (const char* url : {"/a", "/a/", "/a/x"}) {
      CHECK(server->is_subscribed(url));
      CHECK(server->is_subscribed(first.client_id(), url));
      CHECK_FALSE(server->is_subscribed(second.client_id(), url));
    }
    CHECK(server->is_subscribed("/b"));
    CHECK_FALSE(server->is_subscribed("/b/"));
    CHECK_FALSE(server->is_subscribed("/c"));
    CHECK_FALSE(server->is_subscribed(1, "/a"));
    subscribe_to(second, "/");
    CHECK(server->is_subscribed("/c"));
    second.close();
    CHECK(wait_until([&] { return !server->is_subscribed("/b"); }));
    CHECK(server->is_subscribed("/a"));
    first.ask(unsubscribe(1, ""));
    CHECK_FALSE(server->is_subscribed("/a"));
  }
}

TEST_CASE("the answer comes before the first publish that the subscription brings") {
  test_server server;
  server->on_subscribe([&](vsoa::client_id id, auto urls) {
    for (const std::string_view url : urls)
      server->publish_to(id, url, text_payload("retained"));
  });
  server.start();
  tcp_peer peer = server.client();
  CHECK(peer.ask(subscribe(1, "/r")).type == type_subscribe);
  const packet retained = peer.read();
  CHECK(retained.type == type_publish);
  CHECK(retained.url == "/r");
  CHECK(retained.param == "retained");
}

TEST_CASE("too many subscriptions: NO_MEMORY, and all as before") {
  vsoa::server_options options;
  options.limits.subscriptions = 3;
  test_server server(options);
  event_log log;
  log.watch(*server);
  server.start();
  tcp_peer peer = server.client();
  run(peer, log,
      {{type_subscribe, "", R"(["/a","/b"])", 0, {"+/a", "+/b"}},
       {type_subscribe, "", R"(["/c","/a","/d","/e"])", status_no_memory, {}},
       {type_subscribe, "/c", "", 0, {"+/c"}},
       {type_subscribe, "/d", "", status_no_memory, {}},
       {type_subscribe, "/a", "", 0, {}},
       {type_unsubscribe, "/a", "", 0, {"-/a"}},
       {type_subscribe, "/d", "", 0, {"+/d"}}});
  CHECK_FALSE(server->is_subscribed("/e"));
  CHECK_FALSE(server->is_subscribed("/a"));
  CHECK(server->is_subscribed("/b"));
}

TEST_CASE("too many bytes of subscriptions: NO_MEMORY, and all as before") {
  vsoa::server_options options;
  options.limits.subscription_bytes = 10;
  test_server server(options);
  event_log log;
  log.watch(*server);
  server.start();
  tcp_peer peer = server.client();
  run(peer, log,
      {{type_subscribe, "/234567", "", 0, {"+/234567"}},
       {type_subscribe, "/234", "", status_no_memory, {}},
       {type_subscribe, "/23", "", 0, {"+/23"}},
       {type_subscribe, "/", "", status_no_memory, {}},
       {type_unsubscribe, "/23", "", 0, {"-/23"}},
       {type_subscribe, "", R"(["/2","/"])", 0, {"+/2", "+/"}}});
}

TEST_CASE("subscribing and leaving again and again leaves nothing behind") {
  test_server server;
  server.start();
  tcp_peer keeper = server.client();
  subscribe_to(keeper, "/t/");
  for (int round = 0; round < 20; ++round) {
    tcp_peer peer = server.client();
    std::string list = "[";
    for (int i = 0; i < 100; ++i)
      list += (i == 0 ? "\"/t/" : ",\"/t/") + std::to_string(i) + "\"";
    CHECK(peer.ask(subscribe(1, "", list + "]")).status == 0);
    if (round % 2 == 0) CHECK(peer.ask(unsubscribe(2, "")).status == 0);
  }
  REQUIRE(wait_until([&] { return server->clients().size() == 1; }));
  CHECK(server->publish("/t/7", text_payload("1")));
  CHECK(keeper.read().url == "/t/7");
  CHECK(server->stats().deliveries == 1);
}

TEST_CASE("callbacks that throw cost nobody the connection") {
  test_server server;
  const auto fail = [](auto&&...) { throw std::runtime_error("on purpose"); };
  server->on_client(fail);
  server->on_subscribe(fail);
  server->on_unsubscribe(fail);
  server->on_datagram(fail);
  server.start();
  tcp_peer peer = server.client();
  CHECK(peer.ask(subscribe(1, "/a")).status == 0);
  CHECK(peer.ask(unsubscribe(2, "/a")).status == 0);
  peer.send(datagram("/d"));
  CHECK(peer.ask(ping(3)).seqno == 3);
  peer.close();
  CHECK(wait_until([&] { return server->stats().clients == 0; }));
}

}  // namespace subscribe_test
