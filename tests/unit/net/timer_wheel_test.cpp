// The wheel is told the time, so that hours pass in microseconds.

#include "net/timer_wheel.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <random>
#include <vector>

namespace timer_wheel_test {

using namespace std::chrono_literals;
using vsoa::net::steady_time;
using vsoa::net::timer_wheel;

const steady_time start{5000s};

struct probe final : timer_wheel::entry {
  std::vector<steady_time> fired;
  std::function<void(steady_time)> then;

  void on_timer(steady_time now) override {
    fired.push_back(now);
    if (then) then(now);
  }
};

// Lets the time pass in steps.
void run(timer_wheel& wheel, steady_time from, steady_time to, std::chrono::milliseconds step) {
  for (steady_time now = from; now <= to; now += step)
    wheel.advance(now);
}

TEST_CASE("after the end of time there is nothing") {
  using vsoa::net::after;
  CHECK(after(start, 5ms) == start + 5ms);
  CHECK(after(start, std::chrono::milliseconds::max()) == steady_time::max());
  CHECK(after(start, std::chrono::hours::max()) == steady_time::max());
  CHECK(after(start, steady_time::max() - start) == steady_time::max());
  CHECK(after(steady_time::max(), 1ns) == steady_time::max());
  CHECK(after(start, -5ms) == start);
  CHECK(after(start, std::chrono::milliseconds::min()) == start);
}

TEST_CASE("who waits for the end of time waits") {
  timer_wheel wheel;
  wheel.advance(start);
  probe p;
  wheel.schedule(p, steady_time::max());
  run(wheel, start, start + 1h, 100ms);
  CHECK(p.fired.empty());
  CHECK(p.is_waiting());
}

TEST_CASE("fires once, never early, late by at most a tick") {
  for (const auto delay : {0ms, 1ms, 9ms, 10ms, 11ms, 2559ms, 2560ms, 2561ms, 60000ms}) {
    CAPTURE(delay.count());
    timer_wheel wheel;
    wheel.advance(start);
    probe p;
    wheel.schedule(p, start + delay);
    CHECK(p.is_waiting());
    CHECK(p.due() == start + delay);
    run(wheel, start, start + delay + 100ms, 1ms);
    REQUIRE(p.fired.size() == 1);
    CHECK(p.fired[0] >= start + delay);
    CHECK(p.fired[0] <= start + delay + timer_wheel::tick);
    CHECK_FALSE(p.is_waiting());
  }
}

TEST_CASE("what is due already fires at the next tick") {
  timer_wheel wheel;
  wheel.advance(start);
  probe p;
  wheel.schedule(p, start - 1h);
  run(wheel, start, start + 10ms, 1ms);
  CHECK(p.fired.size() == 1);
}

TEST_CASE("laps: an entry in the same slot of a later round waits for its round") {
  timer_wheel wheel;
  wheel.advance(start);
  const auto lap = timer_wheel::tick * timer_wheel::slot_count;
  std::vector<std::unique_ptr<probe>> probes;
  for (int i = 0; i < 5; ++i) {
    probes.push_back(std::make_unique<probe>());
    wheel.schedule(*probes.back(), start + 50ms + i * lap);
  }
  for (int i = 0; i < 5; ++i) {
    CAPTURE(i);
    const steady_time now = start + i * lap;
    run(wheel, now, now + 45ms, 5ms);
    CHECK(probes[static_cast<std::size_t>(i)]->fired.empty());
    run(wheel, now + 50ms, now + lap, 5ms);
    for (int k = 0; k < 5; ++k)
      CHECK(probes[static_cast<std::size_t>(k)]->fired.size() == (k <= i ? 1 : 0));
  }
}

TEST_CASE("a jump of the time fires everything due, and nothing else") {
  timer_wheel wheel;
  wheel.advance(start);
  std::vector<std::unique_ptr<probe>> probes;
  for (int i = 0; i < 1000; ++i) {
    probes.push_back(std::make_unique<probe>());
    wheel.schedule(*probes.back(), start + i * 1s);
  }
  wheel.advance(start + 500s + 20ms);
  for (int i = 0; i < 1000; ++i) {
    CAPTURE(i);
    CHECK(probes[static_cast<std::size_t>(i)]->fired.size() == (i <= 500 ? 1 : 0));
  }
}

TEST_CASE("an entry may be moved, earlier or later, and cancelled") {
  timer_wheel wheel;
  wheel.advance(start);
  probe earlier;
  probe later;
  probe never;
  wheel.schedule(earlier, start + 10s);
  wheel.schedule(earlier, start + 1s);
  wheel.schedule(later, start + 1s);
  wheel.schedule(later, start + 10s);
  wheel.schedule(never, start + 1s);
  timer_wheel::cancel(never);
  timer_wheel::cancel(never);
  run(wheel, start, start + 2s, 10ms);
  CHECK(earlier.fired.size() == 1);
  CHECK(later.fired.empty());
  run(wheel, start + 2s, start + 11s, 10ms);
  CHECK(earlier.fired.size() == 1);
  CHECK(later.fired.size() == 1);
  CHECK(never.fired.empty());
}

TEST_CASE("a callback may cancel, schedule and destroy others, and schedule itself") {
  timer_wheel wheel;
  wheel.advance(start);
  // All in one slot, so that they are visited in one go.
  probe first;
  probe cancelled;
  auto destroyed = std::make_unique<probe>();
  probe moved;
  int again = 0;
  first.then = [&](steady_time now) {
    timer_wheel::cancel(cancelled);
    destroyed.reset();
    wheel.schedule(moved, now + 1s);
    if (++again < 3) wheel.schedule(first, now);
  };
  for (probe* p : {&first, &cancelled, destroyed.get(), &moved})
    wheel.schedule(*p, start + 5ms);
  run(wheel, start, start + 500ms, 10ms);
  CHECK(first.fired.size() == 3);
  CHECK(cancelled.fired.empty());
  CHECK(moved.fired.empty());
  run(wheel, start + 500ms, start + 2s, 10ms);
  CHECK(moved.fired.size() == 1);
}

TEST_CASE("a callback that schedules the past anew does not hold the wheel up") {
  timer_wheel wheel;
  wheel.advance(start);
  probe p;
  p.then = [&](steady_time) { wheel.schedule(p, start); };
  wheel.schedule(p, start);
  wheel.advance(start + 1s);  // must return
  CHECK(p.fired.size() <= 100);
  CHECK(p.is_waiting());
}

TEST_CASE("an entry that is destroyed leaves the wheel") {
  timer_wheel wheel;
  wheel.advance(start);
  {
    probe p;
    wheel.schedule(p, start + 1s);
    CHECK(wheel.next());
  }
  CHECK_FALSE(wheel.next());
  run(wheel, start, start + 2s, 10ms);
}

TEST_CASE("next() is never later than what it announces") {
  std::mt19937 random(3);
  timer_wheel wheel;
  steady_time now = start;
  wheel.advance(now);
  std::vector<std::unique_ptr<probe>> probes;
  std::size_t wakes = 0;
  for (int i = 0; i < 200; ++i) {
    probes.push_back(std::make_unique<probe>());
    wheel.schedule(*probes.back(), now + std::chrono::milliseconds(random() % 20000));
  }
  // Sleeps exactly as next() says; every entry fires in time all the same.
  while (const auto when = wheel.next()) {
    REQUIRE(*when >= now);
    now = *when;
    wheel.advance(now);
    REQUIRE(++wakes < 5000);
  }
  for (const auto& p : probes) {
    REQUIRE(p->fired.size() == 1);
    CHECK(p->fired[0] >= p->due());
    CHECK(p->fired[0] - p->due() <= timer_wheel::tick);
  }
}

TEST_CASE("an idle wheel takes up the time where it has got to") {
  timer_wheel wheel;
  wheel.advance(start);
  CHECK_FALSE(wheel.next());
  const steady_time later = start + 24h;
  probe p;
  wheel.schedule(p, later + 30ms);
  // Nobody has called advance() for a day: the first call may come early, never late.
  for (steady_time now = later; p.fired.empty();) {
    const auto when = wheel.next();
    REQUIRE(when);
    now = std::max(now, *when);
    REQUIRE(now <= later + 40ms);
    wheel.advance(now);
  }
  CHECK(p.fired[0] >= later + 30ms);
}

}  // namespace timer_wheel_test
