#include "vsoa/work_queue.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

// Holds the one thread of a queue inside a job until it is let go.
class blocker {
 public:
  explicit blocker(vsoa::work_queue& queue) {
    REQUIRE(queue.add([gate = gate_] {
      gate->entered.count_down();
      gate->release.wait();
    }));
    gate_->entered.wait();
  }
  ~blocker() { release(); }
  void release() {
    if (!released_) gate_->release.count_down();
    released_ = true;
  }

 private:
  // The job's, too: it may still be on its way out of the wait when the blocker is gone.
  struct gate {
    std::latch entered{1};
    std::latch release{1};
  };
  std::shared_ptr<gate> gate_ = std::make_shared<gate>();
  bool released_ = false;
};

TEST_CASE("jobs of a queue with one thread run in the order of add") {
  std::vector<int> seen;
  {
    vsoa::work_queue queue;
    for (int i = 0; i < 1000; ++i) {
      REQUIRE(queue.add([&seen, i] { seen.push_back(i); }));
    }
  }
  REQUIRE(seen.size() == 1000);
  for (int i = 0; i < 1000; ++i) {
    CHECK(seen[static_cast<std::size_t>(i)] == i);
  }
}

TEST_CASE("limit counts waiting jobs and not the running one") {
  std::atomic<int> runs{0};
  {
    vsoa::work_queue queue(1, 2);
    blocker hold(queue);
    CHECK(queue.waiting() == 0);
    CHECK(queue.add([&runs] { ++runs; }));
    CHECK(queue.add([&runs] { ++runs; }));
    CHECK(queue.waiting() == 2);
    CHECK_FALSE(queue.add([&runs] { ++runs; }));
    CHECK(queue.waiting() == 2);
    hold.release();
  }
  CHECK(runs == 2);
}

TEST_CASE("a refused job is destroyed without having run") {
  vsoa::work_queue queue(1, 1);
  blocker hold(queue);
  REQUIRE(queue.add([] {}));
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = token;
  CHECK_FALSE(queue.add([held = std::move(token)] { FAIL("ran"); }));
  CHECK(watch.expired());
}

TEST_CASE("an empty job is refused") {
  vsoa::work_queue queue;
  CHECK_FALSE(queue.add({}));
  CHECK(queue.waiting() == 0);
}

TEST_CASE("a job's captures are gone when it has run, although the queue lives") {
  vsoa::work_queue queue;
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = token;
  REQUIRE(queue.add([held = std::move(token)] {}));
  std::promise<void> after;
  REQUIRE(queue.add([&after] { after.set_value(); }));
  after.get_future().wait();
  CHECK(watch.expired());
}

TEST_CASE("exceptions are counted and do not end the thread") {
  vsoa::work_queue queue;
  REQUIRE(queue.add([] { throw std::runtime_error("one"); }));
  REQUIRE(queue.add([] { throw 2; }));
  std::promise<void> after;
  REQUIRE(queue.add([&after] { after.set_value(); }));
  after.get_future().wait();
  CHECK(queue.failed() == 2);
}

TEST_CASE("destruction runs what was added and refuses what comes meanwhile") {
  std::size_t accepted = 0;
  std::size_t runs = 0;
  {
    auto queue = std::make_unique<vsoa::work_queue>(1, 10'000'000);
    auto* raw = queue.get();
    // Only closing makes a queue of that size refuse, so this job ends once the destructor has
    // begun.
    REQUIRE(queue->add([&accepted, &runs, raw] {
      while (raw->add([&runs] { ++runs; })) {
        ++accepted;
        std::this_thread::yield();
      }
    }));
  }
  CHECK(runs == accepted);
}

TEST_CASE("several threads run jobs at the same time") {
  constexpr int threads = 4;
  std::latch all_inside{threads};
  std::mutex mutex;
  std::set<std::thread::id> ids;
  {
    vsoa::work_queue queue(threads);
    for (int i = 0; i < threads; ++i) {
      REQUIRE(queue.add([&] {
        {
          const std::lock_guard lock(mutex);
          ids.insert(std::this_thread::get_id());
        }
        all_inside.arrive_and_wait();  // only passed with four jobs inside together
      }));
    }
  }
  CHECK(ids.size() == threads);
}

TEST_CASE("adding from many threads loses nothing") {
  std::atomic<int> runs{0};
  std::atomic<int> accepted{0};
  {
    vsoa::work_queue queue(3, 64);
    std::vector<std::jthread> producers;
    for (int p = 0; p < 4; ++p) {
      producers.emplace_back([&] {
        for (int i = 0; i < 2000; ++i) {
          if (queue.add([&runs] { runs.fetch_add(1); })) accepted.fetch_add(1);
        }
      });
    }
  }
  CHECK(runs == accepted);
  CHECK(runs > 0);
}

TEST_CASE("a job may add jobs") {
  std::promise<int> done;
  vsoa::work_queue queue;
  REQUIRE(queue.add([&] { REQUIRE(queue.add([&done] { done.set_value(7); })); }));
  CHECK(done.get_future().get() == 7);
}

TEST_CASE("numbers out of range are refused") {
  CHECK_THROWS_AS(vsoa::work_queue(0, 1), std::invalid_argument);
  CHECK_THROWS_AS(vsoa::work_queue(257, 1), std::invalid_argument);
  CHECK_THROWS_AS(vsoa::work_queue(1, 0), std::invalid_argument);
}

}  // namespace
