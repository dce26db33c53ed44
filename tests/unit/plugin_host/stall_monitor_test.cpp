#include "plugin_host/stall_monitor.hpp"

#include <doctest/doctest.h>

#include <thread>

#include "scratch.hpp"
#include "wait.hpp"

namespace stall_monitor_test {

using namespace vsoa_test;
using vsoad::stall_monitor;
using vsoad::stall_subject;

constexpr auto threshold = std::chrono::milliseconds(20);

TEST_CASE("a stall is named while it lasts, once, and its end is told") {
  log_book log;
  stall_subject slow{"plugin slow, command /x", {}};
  stall_monitor monitor(threshold, log.sink());
  {
    const stall_monitor::watch watch(monitor, slow);
    CHECK(wait_until([&] { return log.count("slow, command /x has kept its event loop") == 1; }));
    CHECK(slow.stalls == 1);
    std::this_thread::sleep_for(threshold * 4);  // no second warning in this time
  }
  CHECK(wait_until([&] { return log.count("slow, command /x returned after about") == 1; }));
  CHECK(log.count("has kept") == 1);
  CHECK(slow.stalls == 1);
}

TEST_CASE("it dozes when nothing runs, and what then begins and stalls is named") {
  log_book log;
  stall_subject slow{"slow", {}};
  stall_monitor monitor(threshold, log.sink(), nullptr, std::chrono::milliseconds(0));
  for (std::uint64_t round = 1; round <= 3; ++round) {
    CHECK(wait_until([&] { return monitor.is_dozing(); }));
    const stall_monitor::watch watch(monitor, slow);
    CHECK_FALSE(monitor.is_dozing());
    CHECK(wait_until([&] { return slow.stalls == round; }));
  }
  CHECK(wait_until([&] { return log.count("slow returned after about") == 3; }));
}

TEST_CASE("many short runs are no stall, whatever the thread") {
  log_book log;
  stall_subject quick{"quick", {}};
  stall_monitor monitor(threshold, log.sink());
  const auto run = [&] {
    const auto end = std::chrono::steady_clock::now() + threshold * 6;
    while (std::chrono::steady_clock::now() < end) {
      const stall_monitor::watch watch(monitor, quick);
    }
  };
  std::thread other(run);
  run();
  other.join();
  // A thread that is not scheduled for so long while it runs would be named, rightly.
  CHECK(quick.stalls <= 1);
}

TEST_CASE("zero is off, and a monitor can be followed by another") {
  stall_subject subject{"subject", {}};
  for (int round = 0; round < 3; ++round) {
    stall_monitor off(std::chrono::milliseconds(0), {});
    { const stall_monitor::watch watch(off, subject); }
    stall_monitor on(threshold, {});
    { const stall_monitor::watch watch(on, subject); }
    on.stop();
    on.stop();
  }
  CHECK(subject.stalls == 0);
}

}  // namespace stall_monitor_test
