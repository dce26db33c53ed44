#include "vsoa/runtime.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "net/loop.hpp"
#include "wait.hpp"

namespace runtime_test {

using namespace std::chrono_literals;
using vsoa::runtime;
using vsoa_test::test_clock;
using vsoa_test::wait_until;

TEST_CASE("loops are counted, and not without bound") {
  CHECK(runtime{}.size() == 1);
  CHECK(runtime({.loops = 3, .log = {}}).size() == 3);
  CHECK(runtime({.loops = 64, .log = {}}).size() == 64);
  CHECK(runtime({.loops = 0, .log = {}}).size() >= 1);
  CHECK_THROWS_AS(runtime({.loops = 65, .log = {}}), std::invalid_argument);
}

// Elsewhere the kernel copies to it at half the rate, on some processors.
TEST_CASE("the buffer of a loop starts a page, and is whole") {
  const vsoa::log_sink none;
  vsoa::net::loop one(0, none);
  const auto buffer = one.receive_buffer();
  CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 4096 == 0);
  REQUIRE(buffer.size() == vsoa::net::loop::receive_bytes);
  std::fill(buffer.begin(), buffer.end(), std::byte{7});  // the address sanitizer watches
}

TEST_CASE("a runtime may be stopped without, twice, and never") {
  runtime never;
  runtime stopped;
  stopped.stop();
  runtime twice;
  twice.start();
  twice.start();
  twice.stop();
  twice.stop();
}

TEST_CASE("tasks of one thread for one loop keep their order") {
  runtime loops({.loops = 2, .log = {}});
  loops.post(0, [] {});  // before the start
  loops.start();
  std::vector<int> seen[2];  // each touched by its loop alone
  std::atomic<int> done = 0;
  for (int i = 0; i < 10000; ++i) {
    const auto index = static_cast<std::size_t>(i % 2);
    loops.post(index, [&seen, &done, i, index] {
      seen[index].push_back(i);
      ++done;
    });
  }
  REQUIRE(wait_until([&] { return done == 10000; }));
  for (const auto& each : seen)
    CHECK(std::is_sorted(each.begin(), each.end()));
}

TEST_CASE("the index of a loop wraps, and a loop stays one thread") {
  runtime loops({.loops = 3, .log = {}});
  loops.start();
  std::mutex mutex;
  std::vector<std::thread::id> ids(9);
  std::atomic<int> done = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    loops.post(i, [&, i] {
      const std::lock_guard lock(mutex);
      ids[i] = std::this_thread::get_id();
      ++done;
    });
  }
  REQUIRE(wait_until([&] { return done == 9; }));
  const std::lock_guard lock(mutex);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(ids[i] == ids[i + 3]);
    CHECK(ids[i] == ids[i + 6]);
    CHECK(ids[i] != ids[(i + 1) % 3]);
  }
}

TEST_CASE("a task that throws is logged; those around it run once") {
  std::mutex mutex;
  std::vector<std::string> lines;
  runtime loops({.loops = 1, .log = [&](vsoa::log_level, std::string_view line) {
                   const std::lock_guard lock(mutex);
                   lines.emplace_back(line);
                 }});
  std::atomic<int> before = 0;
  std::atomic<int> after = 0;
  loops.post(0, [&] { ++before; });
  loops.post(0, [] { throw std::runtime_error("on purpose"); });
  loops.post(0, [&] { ++after; });
  loops.start();
  REQUIRE(wait_until([&] { return after == 1; }));
  loops.post(0, [&] { ++after; });
  REQUIRE(wait_until([&] { return after == 2; }));
  CHECK(before == 1);
  const std::lock_guard lock(mutex);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("on purpose") != std::string::npos);
}

TEST_CASE("one-shot and periodic timers") {
  runtime loops({.loops = 2, .log = {}});
  loops.start();
  std::atomic<int> once = 0;
  std::atomic<int> many = 0;
  const auto begin = test_clock::now();
  std::atomic<test_clock::time_point> when{};
  loops.start_timer(0, 30ms, 0ms, [&] {
    when = test_clock::now();
    ++once;
  });
  const auto id = loops.start_timer(1, 1ms, 2ms, [&] { ++many; });
  CHECK(id != 0);
  REQUIRE(wait_until([&] { return once == 1 && many >= 10; }));
  CHECK(when.load() - begin >= 30ms);
  loops.stop_timer(id);
  // stop_timer() has been posted: what is posted behind it finds the timer gone.
  std::atomic<bool> passed = false;
  loops.post(1, [&] { passed = true; });
  REQUIRE(wait_until([&] { return passed.load(); }));
  const int count = many;
  std::atomic<bool> later = false;
  loops.start_timer(1, 20ms, 0ms, [&] { later = true; });
  REQUIRE(wait_until([&] { return later.load(); }));
  CHECK(many == count);
  CHECK(once == 1);
  loops.stop_timer(id);
  loops.stop_timer(0);
  loops.stop_timer(123456789);
}

TEST_CASE("timers that wait for ever") {
  constexpr auto ever = std::chrono::milliseconds::max();
  runtime loops({.loops = 1, .log = {}});
  loops.start();
  std::atomic<int> never = 0;
  std::atomic<int> once = 0;
  loops.start_timer(0, ever, 0ms, [&] { ++never; });
  loops.start_timer(0, 0ms, ever, [&] { ++once; });
  std::atomic<bool> done = false;
  loops.start_timer(0, 30ms, 0ms, [&] { done = true; });
  REQUIRE(wait_until([&] { return done.load(); }));
  CHECK(never == 0);
  CHECK(once == 1);
}

TEST_CASE("a timer may stop itself, and on its loop stopping is final at once") {
  runtime loops({.loops = 1, .log = {}});
  loops.start();
  std::atomic<int> self = 0;
  std::atomic<int> victim = 0;
  std::atomic<runtime::timer_id> self_id = 0;
  std::atomic<bool> done = false;
  loops.post(0, [&] {
    self_id = loops.start_timer(0, 1ms, 1ms, [&] {
      ++self;
      loops.stop_timer(self_id);
    });
    const auto due_already = loops.start_timer(0, 0ms, 1ms, [&] { ++victim; });
    loops.stop_timer(due_already);
    loops.start_timer(0, 30ms, 0ms, [&] { done = true; });
  });
  REQUIRE(wait_until([&] { return done.load(); }));
  CHECK(self == 1);
  CHECK(victim == 0);
}

TEST_CASE("a timer that another thread has just started is stopped on its loop") {
  runtime loops({.loops = 1, .log = {}});
  loops.start();
  std::atomic<int> runs = 0;
  std::atomic<bool> done = false;
  loops.post(0, [&] {
    runtime::timer_id id = 0;
    // Its start is in the mail behind this.
    std::thread([&] { id = loops.start_timer(0, 0ms, 1ms, [&] { ++runs; }); }).join();
    loops.stop_timer(id);
    loops.start_timer(0, 30ms, 0ms, [&] { done = true; });
  });
  REQUIRE(wait_until([&] { return done.load(); }));
  CHECK(runs == 0);
}

TEST_CASE("what has not run when the runtime stops is dropped with all it holds") {
  const auto held = std::make_shared<int>(1);
  {
    runtime loops({.loops = 2, .log = {}});
    loops.post(0, [held] {});
    loops.start_timer(1, 1h, 0ms, [held] {});
    if (held.use_count() > 1) loops.start();
    loops.stop();
    loops.post(0, [held] {});
  }
  CHECK(held.use_count() == 1);
}

// The loop is kept from its mail until it is to stop, so that it never comes to it.
TEST_CASE("whoever waits for a loop that ends meanwhile is not left waiting") {
  runtime loops({.loops = 1, .log = {}});
  loops.start();
  std::atomic<bool> entered = false;
  std::atomic<bool> release = false;
  std::atomic<int> runs = 0;
  loops.post(0, [&] {
    entered = true;
    while (!release)
      std::this_thread::yield();
  });
  REQUIRE(wait_until([&] { return entered.load(); }));
  std::thread stopper([&] { loops.stop(); });
  REQUIRE(wait_until([&] { return !loops.internals().is_running(); }));
  std::thread waiter(
      [&] { loops.internals().run_and_wait(loops.internals().at(0), [&] { ++runs; }); });
  std::thread late(
      [&] { loops.internals().run_and_wait(loops.internals().at(0), [&] { ++runs; }); });
  release = true;
  for (std::thread* each : {&stopper, &waiter, &late})
    each->join();
  CHECK(runs == 2);
}

TEST_CASE("a loop knows itself, other threads are none") {
  runtime loops({.loops = 3, .log = {}});
  loops.start();
  CHECK(loops.here() == 3);
  std::atomic<std::size_t> seen = 99;
  loops.post(2, [&] { seen = loops.here(); });
  CHECK(wait_until([&] { return seen != 99; }));
  CHECK(seen == 2);
}

TEST_CASE("quiesce waits for what runs, and no longer than it is told") {
  runtime loops({.loops = 2, .log = {}});
  CHECK(loops.quiesce(0ms));  // none runs
  loops.start();
  CHECK(loops.quiesce(vsoa_test::patience));
  std::atomic<bool> entered = false;
  std::atomic<bool> release = false;
  std::atomic<bool> left = false;
  loops.post(1, [&] {
    entered = true;
    while (!release)
      std::this_thread::yield();
    left = true;
  });
  REQUIRE(wait_until([&] { return entered.load(); }));
  CHECK_FALSE(loops.quiesce(20ms));
  release = true;
  CHECK(loops.quiesce(vsoa_test::patience));
  CHECK(left);
  // On a loop its own is not waited for.
  std::atomic<int> result = -1;
  loops.post(0, [&] { result = loops.quiesce(vsoa_test::patience) ? 1 : 0; });
  CHECK(wait_until([&] { return result == 1; }));
}

TEST_CASE("a loop that polls busily does all that a sleeping one does") {
  std::atomic<int> ticks = 0;  // outlives the timer
  runtime loops({.loops = 1, .log = {}, .busy_poll = 1ms});
  loops.start();
  loops.start_timer(0, 2ms, 2ms, [&] { ++ticks; });
  for (int i = 0; i < 20; ++i) {
    std::atomic<bool> done = false;
    loops.post(0, [&] { done = true; });
    REQUIRE(wait_until([&] { return done.load(); }));
  }
  CHECK(wait_until([&] { return ticks >= 5; }));
}

}  // namespace runtime_test
