#include "vsoad/main_loop.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <vector>

#include "vsoad/logging.hpp"

namespace main_loop_test {

using namespace vsoad;
using namespace std::chrono_literals;

// SIGUSR1 and SIGUSR2 are blocked for as long as it lives.
struct rig {
  rig() {
    sigemptyset(&signals);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  }
  sigset_t signals;
  logging log{config::log_settings{vsoa::log_level::error, config::log_target::standard_error}};
};

TEST_CASE("signals are told one at a time, also those that came before") {
  rig r;
  ::kill(::getpid(), SIGUSR1);
  main_loop loop(r.signals, r.log);
  std::vector<int> told;
  loop.on_signal([&](int number) {
    told.push_back(number);
    loop.quit();
  });
  loop.run();
  CHECK(told == std::vector<int>{SIGUSR1});
  ::kill(::getpid(), SIGUSR1);
  ::kill(::getpid(), SIGUSR2);
  loop.run();
  CHECK(told.size() == 2);
  loop.run();
  CHECK(told.size() == 3);
}

TEST_CASE("run_for ends by itself, or by quit()") {
  rig r;
  main_loop loop(r.signals, r.log);
  loop.on_signal([&](int) { loop.quit(); });
  const auto begin = std::chrono::steady_clock::now();
  loop.run_for(5ms);
  CHECK(std::chrono::steady_clock::now() - begin >= 5ms);
  ::kill(::getpid(), SIGUSR1);
  loop.run_for(1h);
}

TEST_CASE("what a task throws does not end the loop") {
  rig r;
  main_loop loop(r.signals, r.log);
  int runs = 0;
  loop.every(1ms, [&] {
    if (++runs == 3) loop.quit();
    throw std::runtime_error("meant");
  });
  boost::asio::post(loop.context(), [] { throw 7; });
  loop.run();
  CHECK(runs == 3);
}

TEST_CASE("what is repeated says when, and is repeated though it throws") {
  rig r;
  main_loop loop(r.signals, r.log);
  std::vector<std::chrono::steady_clock::time_point> runs;
  loop.repeat(1ms, [&]() -> std::chrono::milliseconds {
    runs.push_back(std::chrono::steady_clock::now());
    if (runs.size() == 4) loop.quit();
    if (runs.size() == 3) throw std::runtime_error("meant");
    return 30ms;
  });
  loop.run();
  REQUIRE(runs.size() == 4);
  for (std::size_t i = 1; i < runs.size(); ++i)
    CHECK(runs[i] - runs[i - 1] >= 30ms);
}

}  // namespace main_loop_test
