#include "vsoad/watchdog.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <ostream>
#include <string>
#include <vector>

#include "notify_socket.hpp"
#include "wait.hpp"

namespace watchdog_test {

/// The environment that systemd gives to a service with WatchdogSec=.
class watchdog_environment {
 public:
  explicit watchdog_environment(std::string microseconds, pid_t process = ::getpid()) {
    ::setenv("WATCHDOG_USEC", microseconds.c_str(), 1);
    ::setenv("WATCHDOG_PID", std::to_string(process).c_str(), 1);
  }
  ~watchdog_environment() {
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
  }
};

constexpr int patience_ms = static_cast<int>(vsoa_test::patience.count());

struct log_lines {
  std::mutex mutex;
  std::vector<std::string> lines;

  vsoa::log_sink sink() {
    return [this](vsoa::log_level, std::string_view line) {
      const std::lock_guard lock(mutex);
      lines.emplace_back(line);
    };
  }
  std::size_t count() {
    const std::lock_guard lock(mutex);
    return lines.size();
  }
};

TEST_CASE("systemd is told again and again, for as long as all come round") {
  vsoad_test::notify_socket systemd;
  const watchdog_environment environment("40000");
  log_lines log;
  std::atomic<bool> well = true;
  std::atomic<int> asked = 0;
  vsoad::watchdog dog(
      [&](std::chrono::milliseconds bound) {
        CHECK(bound == std::chrono::milliseconds(10));
        ++asked;
        return well.load();
      },
      log.sink());
  REQUIRE(dog.is_running());
  for (int i = 0; i < 3; ++i)
    CHECK(systemd.next(patience_ms) == "WATCHDOG=1");
  CHECK(log.count() == 0);

  well = false;
  CHECK(vsoa_test::wait_until([&] { return log.count() == 1; }));
  // What had been said before is read; then nothing comes, however often it asks.
  while (!systemd.next().empty()) {
  }
  const int before = asked;
  CHECK(vsoa_test::wait_until([&] { return asked > before + 3; }));
  CHECK(systemd.next().empty());
  CHECK(log.count() == 1);

  well = true;
  CHECK(systemd.next(patience_ms) == "WATCHDOG=1");
  CHECK(vsoa_test::wait_until([&] { return log.count() == 2; }));
}

TEST_CASE("nobody is asked where systemd has no watchdog, or for another process") {
  vsoad_test::notify_socket systemd;
  const auto never = [](std::chrono::milliseconds) {
    FAIL("asked");
    return true;
  };
  CHECK_FALSE(vsoad::watchdog(never, {}).is_running());
  const watchdog_environment another("40000", ::getpid() + 1);
  CHECK_FALSE(vsoad::watchdog(never, {}).is_running());
  const watchdog_environment nonsense("soon");
  CHECK_FALSE(vsoad::watchdog(never, {}).is_running());
}

TEST_CASE("it ends at once, however long its interval is") {
  vsoad_test::notify_socket systemd;
  const watchdog_environment environment("3600000000");
  vsoad::watchdog dog([](std::chrono::milliseconds) { return true; }, {});
  CHECK(dog.is_running());
}

}  // namespace watchdog_test
