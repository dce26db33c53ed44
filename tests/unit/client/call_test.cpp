// Calls and pings, against our own server.
#include <doctest/doctest.h>

#include <thread>
#include <vector>

#include "test_client.hpp"

namespace call_test {

using namespace vsoa_test;
using std::chrono::milliseconds;

struct rig {
  explicit rig(vsoa::client_options options = {}) {
    server->command("/echo", echo);
    server->command("/method", [](vsoa::call& c) {
      c.reply(vsoa::status::success, {c.method() == vsoa::method::set ? "\"set\"" : "\"get\"", {}});
    });
    server->command("/fail", [](vsoa::call& c) {
      c.reply(static_cast<vsoa::status>(200), {R"({"why":1})", {}}, 1234);
    });
    server->command("/never", [this](vsoa::call& c) { kept.push_back(c.defer()); });
    server->command("/hit", [this](vsoa::call&) { ++hits; });
    server.start();
    client = std::make_unique<vsoa::client>(own.loops, options);
  }
  rig& connect() {
    REQUIRE(client->connect(url_of(server.at())) == std::error_code());
    return *this;
  }

  std::vector<vsoa::deferred_call> kept;
  std::atomic<int> hits = 0;
  test_server server;
  running_loops own;
  std::unique_ptr<vsoa::client> client;
};

TEST_CASE("a call: param, data, method, status and tunnel id") {
  rig r;
  r.connect();
  vsoa::reply answer;
  CHECK(!r.client->fetch({"/echo", text_payload(R"({"a":1})", "bytes")}, answer));
  CHECK(answer.status == vsoa::status::success);
  CHECK(answer.param == R"({"a":1})");
  CHECK(data_text(answer.payload()) == "bytes");
  CHECK(answer.tunid == 0);
  CHECK(!r.client->fetch({.url = "/method", .method = vsoa::method::set}, answer));
  CHECK(answer.param == "\"set\"");
  CHECK(!r.client->fetch({.url = "/method"}, answer));
  CHECK(answer.param == "\"get\"");
  CHECK(!r.client->fetch({.url = "/fail"}, answer));
  CHECK(answer.status == static_cast<vsoa::status>(200));
  CHECK(answer.param == R"({"why":1})");
  CHECK(answer.tunid == 1234);
  CHECK(!r.client->fetch({.url = "/nobody"}, answer));
  CHECK(answer.status == vsoa::status::invalid_url);
}

TEST_CASE("the largest packet goes both ways, a larger one nowhere") {
  rig r;
  r.connect();
  std::string data(vsoa::max_packet_bytes - 20 - 5 - 3, 'x');
  vsoa::reply answer;
  CHECK(!r.client->fetch({"/echo", text_payload("", data)}, answer));
  CHECK(answer.data.size() == data.size());
  data += "xxxx";
  CHECK(r.client->fetch({"/echo", text_payload("", data)}, answer) == vsoa::errc::too_large);
  CHECK(r.client->fetch({"echo"}, answer) == vsoa::errc::invalid_url);
  CHECK(r.client->fetch({""}, answer) == vsoa::errc::invalid_url);
}

TEST_CASE("a call that is not answered ends with its timeout; a late answer is dropped") {
  rig r;
  r.connect();
  pending_outcome ended;
  r.client->start_call({.url = "/never", .timeout = milliseconds(50)}, ended.completion());
  CHECK(ended.get().error == vsoa::errc::timeout);
  CHECK(r.client->pendings() == 0);
  r.server.run_on_loop(0, [&] { r.kept.at(0).reply(vsoa::status::success); });
  CHECK(!r.client->ping());
  CHECK(r.client->stats().ignored == 1);
}

TEST_CASE("many calls at once, answered in another order") {
  constexpr std::size_t many = 500;
  rig r;
  r.connect();
  std::vector<pending_outcome> ends(many);
  for (auto& each : ends)
    r.client->start_call({.url = "/never"}, each.completion());
  REQUIRE(wait_until([&] {
    std::size_t there = 0;
    r.server.run_on_loop(0, [&] { there = r.kept.size(); });
    return there == many;
  }));
  CHECK(r.client->pendings() == many);
  r.server.run_on_loop(0, [&] {
    for (std::size_t i = many; i-- > 0;)
      r.kept[i].reply(vsoa::status::success, text_payload(std::to_string(i)));
  });
  for (std::size_t i = 0; i < many; ++i)
    CHECK(ends[i].get().reply.param == std::to_string(i));
  CHECK(r.client->pendings() == 0);
}

TEST_CASE("65535 calls may wait, and no more") {
  vsoa::client_options options;
  options.limits.outbox = 16U << 20;
  options.send_timeout = std::chrono::minutes(1);  // however busy the machine
  rig r(options);
  r.connect();
  const std::size_t most = 65535;
  std::atomic<std::size_t> cancelled = 0;
  for (std::size_t i = 0; i < most; ++i) {
    r.client->start_call({.url = "/hit"}, [&](std::error_code error, const vsoa::reply_view&) {
      if (error == vsoa::errc::cancelled) ++cancelled;
    });
  }
  REQUIRE(wait_until([&] { return r.client->pendings() == most; }));
  pending_outcome one_more;
  r.client->start_call({.url = "/echo"}, one_more.completion());
  CHECK(one_more.get().error == vsoa::errc::too_many_pending);
  r.client.reset();
  CHECK(cancelled == most);
}

TEST_CASE("a call without answer reaches the server, and nothing waits") {
  rig r;
  CHECK(!r.client->send_call({.url = "/hit"}));
  r.connect();
  CHECK(r.client->send_call({.url = "/hit"}));
  CHECK(!r.client->send_call({.url = "hit"}));
  CHECK(!r.client->ping());
  CHECK(r.hits == 1);
  CHECK(r.client->pendings() == 0);
}

TEST_CASE("without a connection all requests fail at once") {
  rig r;
  vsoa::reply answer;
  CHECK(r.client->fetch({.url = "/echo"}, answer) == vsoa::errc::not_connected);
  CHECK(r.client->ping() == vsoa::errc::not_connected);
  CHECK(r.client->subscribe("/a") == vsoa::errc::not_connected);
  CHECK(r.client->subscribe({"/a", "/b"}) == vsoa::errc::not_connected);
  CHECK(r.client->unsubscribe_all() == vsoa::errc::not_connected);
}

TEST_CASE("what waits ends at once when the connection does") {
  rig r;
  r.connect();
  pending_outcome first;
  pending_outcome second;
  r.client->start_call({.url = "/never"}, first.completion());
  r.client->start_call({.url = "/never"}, second.completion());
  REQUIRE(wait_until([&] { return r.client->pendings() == 2; }));
  SUBCASE("by disconnect()") {
    r.client->disconnect();
  }
  SUBCASE("by the server") {
    r.server.destroy_server();
  }
  CHECK(first.get().error == vsoa::errc::closed);
  CHECK(second.get().error == vsoa::errc::closed);
  CHECK(!r.client->is_connected());
}

TEST_CASE("cancel() ends one operation; the others live on") {
  rig r;
  r.connect();
  pending_outcome first;
  pending_outcome second;
  const auto id = r.client->start_call({.url = "/never"}, first.completion());
  r.client->start_call({.url = "/echo"}, second.completion());
  r.client->cancel(id);
  CHECK(first.get().error == vsoa::errc::cancelled);
  CHECK(!second.get().error);
  r.client->cancel(id);
  r.client->cancel(12345);
  CHECK(!r.client->ping());
}

TEST_CASE("blocking functions refuse to run on a loop's thread, or without loops") {
  rig r;
  r.connect();
  std::promise<std::error_code> told;
  r.own.loops.post(0, [&] {
    vsoa::reply answer;
    told.set_value(r.client->fetch({.url = "/echo"}, answer));
  });
  CHECK(told.get_future().get() == vsoa::errc::would_deadlock);
  vsoa::runtime asleep;
  vsoa::client idle(asleep);
  CHECK(idle.connect(url_of(r.server.at())) == vsoa::errc::not_running);
  CHECK(idle.run() == vsoa::errc::not_running);
}

TEST_CASE("calls from the loop's own thread and from completions") {
  rig r;
  r.connect();
  std::promise<std::string> told;
  r.own.loops.post(0, [&] {
    r.client->start_call({"/echo", text_payload("1")},
                         [&](std::error_code, const vsoa::reply_view& one) {
                           const std::string next = std::string(one.payload.param) + "2";
                           r.client->start_call({"/echo", text_payload(next)},
                                                [&](std::error_code, const vsoa::reply_view& two) {
                                                  told.set_value(std::string(two.payload.param));
                                                });
                         });
  });
  CHECK(told.get_future().get() == "12");
}

TEST_CASE("many threads call one client") {
  constexpr int threads = 4;
  constexpr int each = 200;
  rig r;
  r.connect();
  std::atomic<int> good = 0;
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        const std::string text = std::to_string(t * each + i);
        vsoa::reply answer;
        if (!r.client->fetch({"/echo", text_payload(text)}, answer) && answer.param == text) ++good;
      }
    });
  }
  for (auto& t : all)
    t.join();
  CHECK(good == threads * each);
}

}  // namespace call_test
