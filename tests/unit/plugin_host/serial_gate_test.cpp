#include "plugin_host/serial_gate.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "plugin_host/rundown.hpp"

namespace serial_gate_test {

using vsoad::rundown;
using vsoad::rundown_guard;
using vsoad::serial_gate;

TEST_CASE("free, the gate lets one in; taken, jobs wait for whoever is inside") {
  serial_gate gate(2, [] {});
  std::vector<int> order;
  REQUIRE(gate.try_enter());
  CHECK_FALSE(gate.try_enter());
  CHECK(gate.leave_job([&] { order.push_back(1); }, false));
  CHECK(gate.leave_job([&] { order.push_back(2); }, false));
  CHECK_FALSE(gate.leave_job([&] { order.push_back(3); }, false));
  CHECK(gate.leave_job([&] { order.push_back(4); }, true));
  CHECK(order.empty());
  gate.leave();
  CHECK(order == std::vector<int>{1, 2, 4});
  CHECK(gate.leave_job([&] { order.push_back(5); }, false));
  CHECK(order.back() == 5);
  CHECK(gate.try_enter());
}

TEST_CASE("one visitor does not work for all for ever") {
  int handed_over = 0;
  serial_gate gate(1000, [&] { ++handed_over; });
  int run = 0;
  REQUIRE(gate.try_enter());
  for (int i = 0; i < 100; ++i)
    REQUIRE(gate.leave_job([&] { ++run; }, false));
  gate.leave();
  CHECK(run == 64);
  CHECK(handed_over == 1);
  CHECK_FALSE(gate.try_enter());
  gate.resume();
  CHECK(run == 100);
  CHECK(gate.try_enter());
}

TEST_CASE("on many threads one runs at a time, and nothing is lost") {
  serial_gate gate(1000000, [&gate] { gate.resume(); });
  int unguarded = 0;  // thread sanitizer watches
  const auto loop_like = [&] {
    for (int i = 0; i < 5000; ++i) {
      if (gate.try_enter()) {
        ++unguarded;
        gate.leave();
      } else {
        CHECK(gate.leave_job([&] { ++unguarded; }, false));
      }
    }
  };
  const auto queue_like = [&] {
    for (int i = 0; i < 5000; ++i) {
      gate.enter();
      ++unguarded;
      gate.leave();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i)
    threads.emplace_back(loop_like);
  for (int i = 0; i < 2; ++i)
    threads.emplace_back(queue_like);
  for (auto& one : threads)
    one.join();
  gate.enter();
  CHECK(unguarded == 20000);
}

TEST_CASE("a rundown waits for all, also for those who leave on another thread") {
  rundown door;
  REQUIRE(door.enter());
  door.stay();
  door.close();
  CHECK_FALSE(door.enter());
  CHECK_FALSE(door.wait(std::chrono::milliseconds(1)));
  door.leave();
  std::thread other([&] { door.leave(); });
  CHECK(door.wait(std::chrono::seconds(10)));
  other.join();
  const rundown_guard late(door);
  CHECK_FALSE(late);
}

TEST_CASE("after a closed rundown nobody is inside") {
  for (int round = 0; round < 200; ++round) {
    rundown door;
    std::atomic<bool> is_gone{false};
    std::atomic<bool> touched_after{false};
    std::thread visitor([&] {
      while (door.enter()) {
        if (is_gone) touched_after = true;
        door.leave();
      }
    });
    door.close();
    REQUIRE(door.wait(std::chrono::seconds(10)));
    is_gone = true;
    visitor.join();
    CHECK_FALSE(touched_after);
  }
}

}  // namespace serial_gate_test
