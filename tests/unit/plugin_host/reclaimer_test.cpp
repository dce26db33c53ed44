// What is replaced goes when nobody can be reading it, and no sooner.
#include "plugin_host/reclaimer.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include "wait.hpp"

namespace reclaimer_test {

using namespace vsoad;
using namespace std::chrono_literals;

struct counted {
  explicit counted(std::atomic<int>& c) : count(c) { ++count; }
  ~counted() { --count; }
  std::atomic<int>& count;
  int value = 0;
};

TEST_CASE("what a loop reads stays until it has come to an end") {
  vsoa::runtime loops({.loops = 2, .log = {}});
  loops.start();
  reclaimer old(loops);
  std::atomic<int> count{0};
  published<counted> now(std::make_shared<counted>(count));
  std::promise<void> goes_on, reads;
  loops.post(1, [&, wait = goes_on.get_future().share()] {
    const counted& mine = now.read();
    reads.set_value();
    wait.wait();
    CHECK(mine.value == 0);
  });
  reads.get_future().wait();
  now.replace(std::make_shared<counted>(count), old);
  CHECK(count == 2);
  CHECK_FALSE(old.collect(10ms));
  CHECK(count == 2);
  CHECK_FALSE(old.is_empty());
  goes_on.set_value();
  CHECK(old.collect(vsoa_test::patience));
  CHECK(count == 1);
  CHECK(old.is_empty());
  loops.stop();
}

TEST_CASE("and what another thread reads, too") {
  vsoa::runtime loops;
  loops.start();
  reclaimer old(loops);
  std::atomic<int> count{0};
  published<counted> now(std::make_shared<counted>(count));
  std::atomic<bool> ends{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!ends) {
        const reclaimer::reader reading(old);
        if (now.read().value < 0) break;
        std::this_thread::yield();
      }
    });
  }
  for (int i = 1; i <= 50; ++i) {
    auto next = std::make_shared<counted>(count);
    next->value = i;
    now.replace(std::move(next), old);
    CHECK(old.collect(vsoa_test::patience));
    CHECK(count == 1);
  }
  ends = true;
  for (auto& each : readers)
    each.join();
  loops.stop();
}

}  // namespace reclaimer_test
