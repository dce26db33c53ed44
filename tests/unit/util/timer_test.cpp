#include "vsoa/timer.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

#include "wait.hpp"

namespace timer_test {

using namespace std::chrono_literals;
using vsoa::runtime;
using vsoa::timer;
using vsoa_test::test_clock;
using vsoa_test::wait_until;

struct running_loops : runtime {
  explicit running_loops(std::size_t count = 1) : runtime({.loops = count, .log = {}}) { start(); }
};

TEST_CASE("a timer runs once, on its loop, not early") {
  running_loops loops(2);
  timer t(loops, 1);
  CHECK_FALSE(t.is_started());
  struct seen {
    std::size_t loop;
    bool started;
    test_clock::time_point when;
  };
  std::promise<seen> told;
  const auto before = test_clock::now();
  REQUIRE(t.start(20ms, [&] {
    told.set_value({loops.here(), t.is_started(), test_clock::now()});
  }));
  CHECK(t.is_started());
  const seen s = told.get_future().get();
  CHECK(s.loop == 1);
  CHECK_FALSE(s.started);
  CHECK(s.when - before >= 20ms);
  CHECK_FALSE(t.is_started());
}

TEST_CASE("with an interval it runs again and again until it is stopped, by its callback too") {
  running_loops loops;
  timer t(loops);
  std::atomic<int> runs = 0;
  const auto before = test_clock::now();
  REQUIRE(t.start(
      5ms,
      [&] {
        CHECK(t.is_started());
        if (++runs == 4) t.stop();
      },
      10ms));
  REQUIRE(wait_until([&] { return runs == 4 && !t.is_started(); }));
  CHECK(test_clock::now() - before >= 35ms);
  std::promise<void> later;
  timer other(loops);
  REQUIRE(other.start(30ms, [&] { later.set_value(); }));
  later.get_future().wait();
  CHECK(runs == 4);
}

TEST_CASE("times out of range and empty callbacks change nothing") {
  running_loops loops;
  timer t(loops);
  CHECK_FALSE(t.start(0ms, [] {}));
  CHECK_FALSE(t.start(-1ms, [] {}));
  CHECK_FALSE(t.start(1ms, {}));
  CHECK_FALSE(t.start(
      1ms, [] {}, -1ms));
  CHECK_FALSE(t.is_started());
  std::promise<void> ran;
  REQUIRE(t.start(10ms, [&] { ran.set_value(); }));
  CHECK_FALSE(t.start(0ms, [] {}));
  CHECK(t.is_started());
  ran.get_future().wait();
}

TEST_CASE("started again, it forgets the earlier start") {
  running_loops loops;
  timer t(loops);
  std::atomic<int> first = 0;
  REQUIRE(t.start(
      10ms, [&] { ++first; }, 1ms));
  std::promise<void> second;
  REQUIRE(t.start(15ms, [&] { second.set_value(); }));
  second.get_future().wait();
  CHECK(first == 0);
  CHECK_FALSE(t.is_started());
}

TEST_CASE("it may be started again from its own callback") {
  running_loops loops;
  timer t(loops);
  std::atomic<int> runs = 0;
  std::function<void()> again = [&] {
    if (++runs < 5) CHECK(t.start(1ms, again));
  };
  REQUIRE(t.start(1ms, again));
  REQUIRE(wait_until([&] { return runs == 5; }));

  // From once to periodic and back, inside the callback.
  std::atomic<int> ticks = 0;
  std::promise<void> last;
  REQUIRE(t.start(1ms, [&] {
    CHECK(t.start(
        1ms,
        [&] {
          if (++ticks == 3) CHECK(t.start(1ms, [&] { last.set_value(); }));
        },
        1ms));
  }));
  last.get_future().wait();
  CHECK(ticks == 3);
}

TEST_CASE("started before the loops, it runs once they do") {
  runtime loops;
  timer t(loops);
  std::promise<void> ran;
  REQUIRE(t.start(1ms, [&] { ran.set_value(); }));
  CHECK(t.is_started());
  loops.start();
  ran.get_future().wait();
}

TEST_CASE("a callback that throws ends neither timer nor loop") {
  running_loops loops;
  timer t(loops);
  std::atomic<int> runs = 0;
  REQUIRE(t.start(
      1ms,
      [&] {
        ++runs;
        throw std::runtime_error("oops");
      },
      1ms));
  CHECK(wait_until([&] { return runs >= 3; }));
  CHECK(t.is_started());
}

TEST_CASE("destruction waits for the callback that is under way, and none begins later") {
  running_loops loops;
  std::latch inside{1};
  std::latch go_on{1};
  std::atomic<bool> left = false;
  std::optional<timer> t(std::in_place, loops);
  REQUIRE(t->start(
      1ms,
      [&] {
        if (left) return;
        inside.count_down();
        go_on.wait();
        left = true;
      },
      1ms));
  inside.wait();
  std::jthread helper([&] { go_on.count_down(); });
  t.reset();
  CHECK(left);
}

TEST_CASE("what the callback has captured is gone with the timer, also after an exception") {
  running_loops loops;
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = token;
  auto t = std::make_unique<timer>(loops);
  std::atomic<int> runs = 0;
  REQUIRE(t->start(
      1ms,
      [&runs, held = std::move(token)] {
        ++runs;
        throw 1;
      },
      1ms));
  REQUIRE(wait_until([&] { return runs > 0; }));
  t.reset();
  CHECK(watch.expired());
}

TEST_CASE("a callback may destroy its timer") {
  running_loops loops;
  for (const auto interval : {0ms, 1ms}) {
    auto t = std::make_unique<timer>(loops);
    std::promise<void> gone;
    auto token = std::make_shared<int>(0);
    const std::weak_ptr<int> watch = token;
    timer& alias = *t;
    REQUIRE(alias.start(
        5ms,
        [&t, &gone, held = std::move(token)] {
          t.reset();
          CHECK(*held == 0);  // still here
          gone.set_value();
        },
        interval));
    gone.get_future().wait();
    CHECK(wait_until([&] { return watch.expired(); }));
  }
}

TEST_CASE("stop from another thread: no callback begins after it") {
  running_loops loops;
  timer t(loops);
  for (int round = 0; round < 100; ++round) {
    std::atomic<int> begun = 0;
    REQUIRE(t.start(
        1ms, [&] { ++begun; }, 1ms));
    if (round % 4 == 0) wait_until([&] { return begun > 0; });
    t.stop();
    CHECK_FALSE(t.is_started());
    // One may be under way; after two turns of the loop the number stays.
    int count = -1;
    std::promise<void> turned;
    loops.post(0, [&] {
      count = begun;
      loops.start_timer(0, 2ms, 0ms, [&] { turned.set_value(); });
    });
    turned.get_future().wait();
    CHECK(begun == count);
  }
}

TEST_CASE("start, stop and destruction from many threads at any moment") {
  running_loops loops(2);
  for (std::size_t round = 0; round < 100; ++round) {
    auto t = std::make_unique<timer>(loops, round);
    timer* const raw = t.get();
    std::atomic<bool> alive = true;
    std::atomic<int> last_runs = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&, i] {
          const auto again = [&alive] { CHECK(alive); };
          for (int n = 0; n < 20; ++n) {
            CHECK(raw->start(1ms, again, i == 1 ? 1ms : 0ms));
            if (n % 5 == i) raw->stop();
            std::this_thread::yield();
          }
          raw->stop();
        });
      }
    }
    raw->start(
        1ms,
        [&, raw] {
          CHECK(alive);
          ++last_runs;
          raw->start(
              1ms, [&] { CHECK(alive); }, 1ms);
        },
        1ms);
    if (round % 2 == 0) CHECK(wait_until([&] { return last_runs > 0; }));
    t.reset();
    alive = false;
  }
}

TEST_CASE("a callback that starts its timer again does not outlive it") {
  running_loops loops;
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> runs = 0;
    auto t = std::make_unique<timer>(loops);
    timer* const raw = t.get();
    std::function<void()> again;
    again = [&] {
      ++runs;
      raw->start(1ms, again);
    };
    REQUIRE(raw->start(1ms, again));
    REQUIRE(wait_until([&] { return runs > 0; }));
    t.reset();
    std::promise<void> turned;
    loops.start_timer(0, 2ms, 0ms, [&] { turned.set_value(); });
    const int count = runs;
    turned.get_future().wait();
    CHECK(runs == count);
  }
}

TEST_CASE("after the loops have been stopped a timer may be used and destroyed") {
  runtime loops;
  loops.start();
  timer t(loops);
  loops.stop();
  REQUIRE(t.start(1ms, [] { FAIL("no loop runs"); }));
  CHECK(t.is_started());
  t.stop();
  CHECK_FALSE(t.is_started());
}

}  // namespace timer_test
