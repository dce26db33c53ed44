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

}  // namespace main_loop_test
