#include "vsoa/work_queue.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace work_queue_test {

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

TEST_CASE("jobs with and without a name keep their order") {
  std::vector<int> seen;
  {
    vsoa::work_queue queue;
    blocker hold(queue);
    for (int i = 0; i < 100; ++i) {
      const auto work = [&seen, i] { seen.push_back(i); };
      if (i % 3 == 0) {
        REQUIRE(queue.add(work));
      } else {
        REQUIRE(queue.add(i % 3 == 1 ? "one" : "two", work));
      }
    }
    hold.release();
  }
  REQUIRE(seen.size() == 100);
  CHECK(std::is_sorted(seen.begin(), seen.end()));
}

TEST_CASE("a name is queued for as long as a job of it waits") {
  vsoa::work_queue queue;
  blocker hold(queue);
  CHECK_FALSE(queue.is_queued("save"));
  REQUIRE(queue.add("save", [] {}));
  REQUIRE(queue.add("save", [] {}));
  CHECK(queue.is_queued("save"));
  CHECK_FALSE(queue.is_queued("sav"));
  CHECK_FALSE(queue.is_queued(""));
  std::promise<bool> inside_last;
  REQUIRE(queue.add("last", [&] { inside_last.set_value(queue.is_queued("last")); }));
  hold.release();
  CHECK_FALSE(inside_last.get_future().get());
  CHECK_FALSE(queue.is_queued("save"));
}

TEST_CASE("add_if_not_queued runs a job once for all who want it, and again when it runs already") {
  std::atomic<int> runs{0};
  std::promise<void> again;
  vsoa::work_queue queue;
  blocker hold(queue);
  CHECK(queue.add_if_not_queued("refresh", [&] {
    ++runs;
    CHECK(queue.add_if_not_queued("refresh", [&] { again.set_value(); }));
  }));
  CHECK_FALSE(queue.add_if_not_queued("refresh", [&runs] { runs += 100; }));
  CHECK(queue.add_if_not_queued("other", [&runs] { ++runs; }));
  CHECK(queue.waiting() == 2);
  hold.release();
  again.get_future().wait();
  CHECK(runs == 2);
}

TEST_CASE("named jobs count for the limit, and empty ones are refused") {
  vsoa::work_queue queue(1, 2);
  blocker hold(queue);
  CHECK_FALSE(queue.add("empty", {}));
  CHECK_FALSE(queue.add_if_not_queued("empty", {}));
  CHECK_FALSE(queue.is_queued("empty"));
  CHECK(queue.add("a", [] {}));
  CHECK(queue.add([] {}));
  CHECK_FALSE(queue.add("b", [] {}));
  CHECK_FALSE(queue.add_if_not_queued("b", [] {}));
  CHECK_FALSE(queue.is_queued("b"));
  CHECK(queue.remove("a") == 1);
  CHECK(queue.add("b", [] {}));
}

TEST_CASE("remove takes the jobs of one name that wait, and frees them") {
  std::vector<std::string> seen;
  auto token = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = token;
  {
    vsoa::work_queue queue;
    blocker hold(queue);
    for (const char* name : {"a", "b", "a", "c", "a"}) {
      REQUIRE(queue.add(name, [&seen, name, held = token] { seen.emplace_back(name); }));
    }
    token.reset();
    CHECK(queue.remove("a") == 3);
    CHECK(queue.remove("a") == 0);
    CHECK(queue.remove("nobody") == 0);
    CHECK_FALSE(queue.is_queued("a"));
    CHECK(queue.waiting() == 2);
    CHECK(queue.remove("c") == 1);
    CHECK(watch.use_count() == 1);
  }
  CHECK(seen == std::vector<std::string>{"b"});
}

TEST_CASE("the order survives removals anywhere, and so do the names") {
  std::vector<int> seen;
  std::vector<int> expected;
  {
    vsoa::work_queue queue(1, 10000);
    blocker hold(queue);
    // Each round leaves one in three, at the front, in the middle or at the end of the three.
    for (int i = 0; i < 3000; ++i) {
      REQUIRE(queue.add(std::to_string(i), [&seen, i] { seen.push_back(i); }));
      if (i % 3 != 2) continue;
      const int kept = i - (i / 3) % 3;
      for (int gone = i - 2; gone <= i; ++gone) {
        if (gone != kept) CHECK(queue.remove(std::to_string(gone)) == 1);
      }
      expected.push_back(kept);
    }
    CHECK(queue.waiting() == 1000);
    for (int i = 0; i < 3000; i += 300) {
      CHECK(queue.is_queued(std::to_string(i)) ==
            std::binary_search(expected.begin(), expected.end(), i));
    }
    CHECK(queue.remove(std::to_string(expected[500])) == 1);
    expected.erase(expected.begin() + 500);
  }
  CHECK(seen == expected);
}

TEST_CASE("a job that runs is not removed") {
  vsoa::work_queue queue;
  std::promise<std::size_t> removed;
  REQUIRE(queue.add("self", [&] { removed.set_value(queue.remove("self")); }));
  CHECK(removed.get_future().get() == 0);
}

TEST_CASE("what a removed job has captured may use the queue when it goes") {
  struct user {
    explicit user(vsoa::work_queue& q) : queue(q) {}
    vsoa::work_queue& queue;
    ~user() { CHECK(queue.waiting() == 0); }
  };
  vsoa::work_queue queue;
  blocker hold(queue);
  REQUIRE(queue.add("a", [held = std::make_shared<user>(queue)] {}));
  CHECK(queue.remove("a") == 1);
}

TEST_CASE("adding and removing from many threads: each job runs or is removed") {
  std::atomic<std::size_t> runs{0};
  std::atomic<std::size_t> accepted{0};
  std::atomic<std::size_t> removed{0};
  {
    vsoa::work_queue queue(2, 64);
    std::vector<std::jthread> threads;
    for (int p = 0; p < 3; ++p) {
      threads.emplace_back([&, p] {
        const std::string name = p == 0 ? "even" : "odd";
        for (int i = 0; i < 2000; ++i) {
          const bool added = p == 2 ? queue.add_if_not_queued(name, [&runs] { ++runs; })
                                    : queue.add(name, [&runs] { ++runs; });
          if (added) ++accepted;
          if (i % 7 == 0) removed += queue.remove(p == 0 ? "odd" : "even");
        }
      });
    }
  }
  CHECK(runs + removed == accepted);
}

TEST_CASE("numbers out of range are refused") {
  CHECK_THROWS_AS(vsoa::work_queue(0, 1), std::invalid_argument);
  CHECK_THROWS_AS(vsoa::work_queue(257, 1), std::invalid_argument);
  CHECK_THROWS_AS(vsoa::work_queue(1, 0), std::invalid_argument);
}

}  // namespace work_queue_test
