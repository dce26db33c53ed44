#include "position/rate_limiter.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace rate_limiter_test {

using namespace std::chrono_literals;
using vsoa::ip_address;
using vsoa::position::rate_limiter;

ip_address ip(const std::string& text) {
  return ip_address::parse(text).value();
}

int allowed(rate_limiter& limiter, const ip_address& source, rate_limiter::time_point now,
            int asked) {
  int count = 0;
  for (int i = 0; i < asked; ++i) {
    if (limiter.allow(source, now)) ++count;
  }
  return count;
}

const rate_limiter::time_point start{1000s};

TEST_CASE("a burst, then the rate") {
  rate_limiter limiter(10, 20);
  CHECK(allowed(limiter, ip("10.0.0.1"), start, 100) == 20);
  CHECK(allowed(limiter, ip("10.0.0.1"), start + 99ms, 100) == 0);
  CHECK(allowed(limiter, ip("10.0.0.1"), start + 101ms, 100) == 1);
  CHECK(allowed(limiter, ip("10.0.0.1"), start + 1101ms, 100) == 10);
  CHECK(allowed(limiter, ip("10.0.0.1"), start + 3600s, 100) == 20);
}

TEST_CASE("sources do not share tokens, the addresses of one IPv6 network do") {
  rate_limiter limiter(1, 2);
  CHECK(allowed(limiter, ip("10.0.0.1"), start, 5) == 2);
  CHECK(allowed(limiter, ip("10.0.0.2"), start, 5) == 2);
  CHECK(allowed(limiter, ip("2001:db8::1"), start, 5) == 2);
  CHECK(allowed(limiter, ip("2001:db8::ffff:1"), start, 5) == 0);
  CHECK(allowed(limiter, ip("2001:db8:0:1::1"), start, 5) == 2);
}

TEST_CASE("a clock that stands still or goes back gives nothing") {
  rate_limiter limiter(1000, 1);
  CHECK(allowed(limiter, ip("10.0.0.1"), start, 5) == 1);
  CHECK(allowed(limiter, ip("10.0.0.1"), start - 10s, 5) == 0);
}

TEST_CASE("no rate is no limit, and no burst is a burst of one") {
  rate_limiter unlimited(0, 1);
  CHECK(allowed(unlimited, ip("10.0.0.1"), start, 1000) == 1000);
  rate_limiter single(1, 0);
  CHECK(allowed(single, ip("10.0.0.1"), start, 10) == 1);
}

TEST_CASE("a flood of sources is served, and does not give one source much more") {
  rate_limiter limiter(1, 10);
  int victim = 0;
  for (unsigned i = 0; i < 20000; ++i) {
    auto forged = ip("10.0.0.0");
    forged.bytes[1] = static_cast<std::uint8_t>(i >> 16);
    forged.bytes[2] = static_cast<std::uint8_t>(i >> 8);
    forged.bytes[3] = static_cast<std::uint8_t>(i);
    // Later, so that the forged bucket is the younger one.
    const auto now = start + std::chrono::microseconds(i);
    CHECK(limiter.allow(forged, now));
    if (i % 10 == 0 && limiter.allow(ip("192.0.2.1"), now)) ++victim;
  }
  CHECK(victim < 100);  // of 2000
}

}  // namespace rate_limiter_test
