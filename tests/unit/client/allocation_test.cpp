// What a call costs in heap allocations once all is warm. In a program of its own, since it counts
// them.

#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/use_future.hpp>

#include "counted_new.hpp"
#include "test_client.hpp"
#include "vsoa/async.hpp"

namespace {

thread_local bool counting = false;
std::atomic<std::size_t> allocations = 0;

}  // namespace

void note_allocation(std::size_t) noexcept {
  if (counting) ++allocations;
}

namespace {

using namespace vsoa_test;

constexpr std::size_t rounds = 1000;
constexpr std::size_t warm = 200;

struct rig {
  rig() {
    server->command("/echo", echo);
    server.start();
    REQUIRE(!client.connect(url_of(server.at())));
  }
  void count_on_loop(bool on) {
    std::promise<void> done;
    own.loops.post(client.loop(), [&] {
      counting = on;
      done.set_value();
    });
    done.get_future().wait();
  }
  test_server server;
  running_loops own;
  vsoa::client client{own.loops};
};

// One call after the other, each begun by the completion of the one before.
struct chain {
  explicit chain(rig& where) : r(where) {}
  void step() {
    if (done == warm) {
      allocations = 0;
      counting = true;
    }
    if (done++ == warm + rounds) {
      counting = false;
      return ended.set_value();
    }
    next();
  }
  std::size_t run() {
    r.own.loops.post(r.client.loop(), [this] { step(); });
    ended.get_future().wait();
    return allocations;
  }
  rig& r;
  std::size_t done = 0;
  std::function<void()> next;
  std::promise<void> ended;
};

TEST_CASE("a call from the client's loop with a small completion costs no allocation") {
  rig r;
  chain calls(r);
  calls.next = [&] {
    r.client.start_call({"/echo", text_payload("{}", "data")},
                        [&](std::error_code, const vsoa::reply_view&) { calls.step(); });
  };
  CHECK(calls.run() == 0);
}

TEST_CASE("with an Asio handler: the operation, its packet, its way through the inbox") {
  rig r;
  chain calls(r);
  calls.next = [&] {
    r.client.async_call({"/echo", text_payload("{}")},
                        [&](boost::system::error_code, vsoa::reply) { calls.step(); });
  };
  const std::size_t counted = calls.run();
  MESSAGE("per call: " << static_cast<double>(counted) / rounds);
  CHECK(counted <= 4 * rounds);
}

TEST_CASE("from another thread, blocking: both threads together") {
  rig r;
  vsoa::reply answer;
  const auto some = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      static_cast<void>(r.client.fetch({"/echo", text_payload("{}")}, answer));
  };
  some(warm);
  r.count_on_loop(true);
  allocations = 0;
  counting = true;
  some(rounds);
  counting = false;
  r.count_on_loop(false);
  MESSAGE("per call: " << static_cast<double>(allocations) / rounds);
  CHECK(allocations <= 6 * rounds);
}

TEST_CASE("a publish that arrives costs no allocation") {
  rig r;
  std::atomic<std::size_t> got = 0;
  r.client.on_message([&](std::string_view, vsoa::payload_view, vsoa::channel) { ++got; });
  REQUIRE(!r.client.subscribe("/t"));
  const auto some = [&](std::size_t count) {
    const std::size_t until = got + count;
    for (std::size_t i = 0; i < count; ++i)
      r.server->publish("/t", text_payload("{}", "data"));
    REQUIRE(wait_until([&] { return got == until; }));
  };
  some(warm);
  r.count_on_loop(true);
  allocations = 0;
  some(rounds);
  r.count_on_loop(false);
  // A packet that comes in two pieces is kept.
  CHECK(allocations < 20);
}

}  // namespace
