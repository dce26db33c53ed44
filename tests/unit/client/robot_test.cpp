// The robot: keepalive, turbo, coming back, and subscriptions with it.
#include <doctest/doctest.h>

#include <random>
#include <thread>

#include "scripted_server.hpp"
#include "test_client.hpp"

namespace robot_test {

using namespace vsoa_test;
using std::chrono::milliseconds;

vsoa::robot_options quick_robot() {
  vsoa::robot_options options;
  options.keepalive = milliseconds(50);
  options.reconnect_delay = milliseconds(20);
  return options;
}

struct rig {
  rig() {
    client.on_connect([this](const vsoa::server_info&) { up.put(1); });
    client.on_disconnect([this](std::error_code why) { lost.put(why); });
  }
  arrivals<int> up;
  arrivals<std::error_code> lost;
  scripted_server server;
  running_loops own;
  vsoa::client client{own.loops};
};

TEST_CASE("four pings without answer, and the connection is lost and made again") {
  rig r;
  r.client.start_robot(r.server.url(), quick_robot());
  for (int round = 0; round < 2; ++round) {
    scripted_session s = r.server.accept();
    s.shake_hands();
    r.up.take();
    s.send(reply_to(s.read(type_pingecho)));  // this one counts
    int pings = 0;
    CHECK_THROWS_AS(
        [&] {
          for (;; ++pings)
            s.read(type_pingecho);
        }(),
        std::runtime_error);
    CHECK(pings == 4);
    CHECK(r.lost.take() == vsoa::errc::no_answer);
  }
}

TEST_CASE("answers that are late but come keep the connection") {
  rig r;
  r.client.start_robot(r.server.url(), quick_robot());
  scripted_session s = r.server.accept();
  s.shake_hands();
  packet before = s.read(type_pingecho);
  for (int i = 0; i < 8; ++i) {
    const packet next = s.read(type_pingecho);
    s.send(reply_to(before));
    before = next;
  }
  CHECK(r.client.is_connected());
  CHECK(r.lost.size() == 0);
}

TEST_CASE("with as many calls pending as may be, the robot pings all the same") {
  arrivals<int> up;
  scripted_server server;
  running_loops own;
  vsoa::client_options slow;
  slow.send_timeout = patience;
  vsoa::client client(own.loops, slow);
  client.on_connect([&](const vsoa::server_info&) { up.put(1); });
  auto options = quick_robot();
  options.keepalive = milliseconds(1000);
  options.max_lost = 1000;  // a machine that is slow to read all the calls is no loss
  client.start_robot(server.url(), options);
  scripted_session s = server.accept();
  s.shake_hands();
  up.take();
  const std::size_t most = 65535;
  own.loops.post(0, [&] {
    for (std::size_t i = 0; i < most; ++i)
      client.start_call({.url = "/x"}, [](std::error_code, const vsoa::reply_view&) {});
  });
  for (std::size_t calls = 0; calls < most;) {
    const packet p = s.read();
    if (p.type == type_rpc) ++calls;
    if (p.type == type_pingecho) s.send(reply_to(p));
  }
  CHECK(client.pendings() == most);
  CHECK(s.read().type == type_pingecho);
}

TEST_CASE("while calls are pending, a NOOP each turbo interval; else none") {
  rig r;
  auto options = quick_robot();
  options.keepalive = milliseconds(10000);
  CHECK(!r.client.set_turbo(milliseconds(30)));
  r.client.start_robot(r.server.url(), options);
  scripted_session s = r.server.accept();
  s.shake_hands();
  r.up.take();
  CHECK(!r.client.set_turbo(milliseconds(24)));
  CHECK(!r.client.set_turbo(milliseconds(10001)));
  CHECK(r.client.set_turbo(milliseconds(25)));
  pending_outcome called;
  r.client.start_call({.url = "/x"}, called.completion());
  const packet request = s.read();
  CHECK(request.type == type_rpc);
  for (int i = 0; i < 3; ++i) {
    const packet noop = s.read();
    CHECK(noop.type == type_noop);
    CHECK(noop.seqno % 0x10000 == 0);
  }
  s.send(reply_to(request));
  CHECK(!called.get().error);
  pending_outcome pinged;
  r.client.start_ping(pinged.completion());
  s.send(reply_to(s.read(type_pingecho)));
  CHECK(!pinged.get().error);
  CHECK(r.client.set_turbo(milliseconds(0)));
}

TEST_CASE("granted subscriptions come back before anything else; others do not") {
  rig r;
  auto options = quick_robot();
  options.keepalive = milliseconds(10000);
  bool restore = true;
  SUBCASE("wanted") {}
  SUBCASE("not wanted") {
    restore = false;
  }
  options.restore_subscriptions = restore;
  r.client.start_robot(r.server.url(), options);
  {
    scripted_session s = r.server.accept();
    s.shake_hands();
    r.up.take();
    pending_outcome done;
    r.client.start_subscribe({"/a", "/no", "/b"}, done.completion());
    for (int i = 0; i < 3; ++i) {
      const packet p = s.read();
      s.send(reply_to(p, p.url == "/no" ? 5 : 0));
    }
    CHECK(done.get().error == vsoa::status::no_permissions);
  }
  scripted_session s = r.server.accept();
  s.shake_hands();
  r.up.take();
  pending_outcome pinged;
  r.client.start_ping(pinged.completion());
  if (restore) {
    CHECK(s.read().url == "/a");
    CHECK(s.read().url == "/b");
  }
  CHECK(s.read().type == type_pingecho);
  CHECK(r.client.subscriptions().size() == (restore ? 2 : 0));
}

TEST_CASE("disconnect() ends the robot, also between two attempts; connect() waits for that") {
  rig r;
  udp_peer none;
  r.client.start_robot("vsoa://127.0.0.1:" + std::to_string(none.port()), quick_robot());
  CHECK(r.client.connect(r.server.url()) == vsoa::errc::already_connected);
  r.client.disconnect();
  CHECK(!r.client.run());
  r.client.start_robot(r.server.url(), quick_robot());
  r.client.start_robot(r.server.url(), quick_robot());  // instead of the first
  r.client.disconnect();
  CHECK(!r.client.run());
  CHECK(!r.client.is_connected());
}

// A server that is killed and started again at the same port.
class mortal_server {
 public:
  mortal_server() {
    start();
    address_.port = at_.port;
  }
  void kill() { server_.reset(); }
  void start() {
    server_ = std::make_unique<vsoa::server>(loops_.loops);
    server_->command("/echo", echo);
    server_->command("/never", [](vsoa::call& c) { c.defer().drop(); });
    at_ = to_endpoint(server_->listen(address_));
    server_->start();
  }
  vsoa::server& operator*() { return *server_; }
  std::string url() const { return url_of(at_); }

 private:
  running_loops loops_;
  vsoa::socket_address address_{vsoa::ip_address::parse("127.0.0.1").value(), 0};
  endpoint at_;
  std::unique_ptr<vsoa::server> server_;
};

TEST_CASE("a server killed and restarted 20 times during calls and subscriptions") {
  mortal_server server;
  running_loops own;
  arrivals<message> messages;
  arrivals<int> up;
  vsoa::client client(own.loops);
  client.on_message(into(messages));
  client.on_connect([&](const vsoa::server_info&) { up.put(1); });
  auto options = quick_robot();
  options.keepalive = milliseconds(500);
  client.start_robot(server.url(), options);
  up.take();
  REQUIRE(!client.subscribe({"/news/", "/x"}));

  const milliseconds timeout(1000);
  const milliseconds grace(sanitized ? 8000 : 3000);
  std::atomic<bool> ending = false;
  std::atomic<std::size_t> good = 0;
  std::atomic<std::size_t> failed = 0;
  std::atomic<std::size_t> late = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 2; ++t) {
    callers.emplace_back([&, t] {
      while (!ending) {
        const auto began = test_clock::now();
        vsoa::reply answer;
        const auto error =
            client.fetch({.url = t == 0 ? "/echo" : "/never", .timeout = timeout}, answer);
        if (test_clock::now() - began > timeout + grace) ++late;
        ++(error ? failed : good);
        if (error == vsoa::errc::not_connected) std::this_thread::yield();
      }
    });
  }
  for (int round = 0; round < 20; ++round) {
    CAPTURE(round);
    server.kill();
    server.start();
    up.take();
    // The subscriptions are back, without a word of ours.
    REQUIRE(wait_until([&] { return (*server).is_subscribed("/news/today"); }));
    REQUIRE(wait_until([&] { return (*server).is_subscribed("/x"); }));
    (*server).publish("/news/today", text_payload(std::to_string(round)));
    CHECK(messages.take().param == std::to_string(round));
  }
  ending = true;
  for (auto& each : callers)
    each.join();
  CHECK(late == 0);
  CHECK(good > 0);
  CHECK(failed > 0);
  CHECK(client.pendings() == 0);
}

}  // namespace robot_test
