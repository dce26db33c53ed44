#include "machine.hpp"

#include <doctest/doctest.h>

#include "interval.hpp"
#include "scratch.hpp"

namespace machine_test {

using namespace machine_info;
using namespace vsoa_test;

TEST_CASE("/proc/stat and /proc/meminfo") {
  const auto times = parse_stat("cpu  100 1 50 800 40 2 3 4 90 1\ncpu0 1 2 3\n");
  REQUIRE(times);
  CHECK(times->total == 1000);  // guests are counted in user already
  CHECK(times->idle == 840);
  CHECK(parse_stat("cpu 1 2 3 4")->total == 10);
  for (const char* bad : {"", "cpu", "cpu 1 2 3", "cpu0 1 2 3 4", "cpu a b c d"}) {
    CHECK_FALSE(parse_stat(bad));
  }
  const auto m = parse_meminfo("MemTotal:  1000 kB\nMemFree:  1 kB\nMemAvailable:  400 kB\nX: 0\n");
  REQUIRE(m);
  CHECK(m->total == 1024000);
  CHECK(m->available == 409600);
  CHECK_FALSE(parse_meminfo(""));
  CHECK_FALSE(parse_meminfo("MemTotal: 1000 kB\n"));
}

TEST_CASE("usage: since boot at first, then between samples") {
  cpu_usage usage;
  CHECK(*usage.sample(cpu_times{1000, 750}) == doctest::Approx(25.0));
  CHECK(*usage.sample(cpu_times{1100, 750}) == doctest::Approx(100.0));
  CHECK(*usage.sample(cpu_times{1105, 755}) == doctest::Approx(100.0));  // too soon to tell
  CHECK(*usage.sample(cpu_times{1200, 850}) == doctest::Approx(0.0));
  CHECK(*usage.sample(cpu_times{1300, 840}) == doctest::Approx(100.0));  // idle went backwards
  CHECK_FALSE(usage.sample({}));
}

TEST_CASE("what a hardened service can't see is null, the rest is there") {
  const scratch proc;
  machine hidden(proc.path());
  CHECK(hidden.cpu() == "null");
  CHECK(hidden.memory() == "null");
  const auto all = hidden.all();
  CHECK(all.starts_with(R"({"cpu":null,"memory":null,"uptime":{"seconds":)"));
  proc.write("stat", "cpu 500 0 0 500\n");
  CHECK(hidden.cpu().ends_with(",\"usage\":50.0}"));
  proc.write("meminfo", "MemTotal: 4 kB\nMemAvailable: 1 kB\n");
  CHECK(hidden.memory() == R"({"total":4096,"available":1024,"used":3072})");
}

TEST_CASE("the interval") {
  using std::chrono::milliseconds;
  CHECK(read_interval("null") == milliseconds(1000));
  CHECK(read_interval("{}") == milliseconds(1000));
  CHECK(read_interval(R"({"interval":2.5})") == milliseconds(2500));
  CHECK(read_interval(R"({"interval":0})") == milliseconds(0));
  CHECK(read_interval(R"({"interval":"500ms"})") == milliseconds(500));
  CHECK(read_interval(R"({"interval":"5s"})") == milliseconds(5000));
  CHECK(read_interval(R"({"interval":"2m"})") == milliseconds(120000));
  for (const char* bad :
       {"", "7", R"({"interval":0.01})", R"({"interval":4000})", R"({"interval":"nan s"})",
        R"({"interval":"nans"})", R"({"interval":"5"})", R"({"interval":null})"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS((void)read_interval(bad), std::invalid_argument);
  }
}

}  // namespace machine_test
