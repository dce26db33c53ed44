#include "vsoactl/histogram.hpp"

#include <doctest/doctest.h>

#include <cmath>

namespace histogram_test {

TEST_CASE("histogram: small values are exact") {
  vsoad::ctl::histogram counted;
  for (std::uint64_t i = 1; i <= 100; ++i)
    counted.record(i);
  CHECK(counted.count() == 100);
  CHECK(counted.quantile(0.5) == 50);
  CHECK(counted.quantile(0.99) == 99);
  CHECK(counted.quantile(1) == 100);
  CHECK(counted.max() == 100);
}

TEST_CASE("histogram: large values are within one percent") {
  for (std::uint64_t value = 200; value < (std::uint64_t{1} << 41); value = value * 17 / 13) {
    vsoad::ctl::histogram counted;
    counted.record(value);
    counted.record(value * 2);
    const double error =
        std::abs(static_cast<double>(counted.quantile(0.5)) / static_cast<double>(value) - 1);
    CHECK(error < 0.01);
  }
}

TEST_CASE("histogram: nothing, too much, and two together") {
  vsoad::ctl::histogram counted;
  CHECK(counted.quantile(0.5) == 0);
  counted.record(UINT64_MAX);
  CHECK(counted.count() == 1);
  vsoad::ctl::histogram other;
  for (int i = 0; i < 9; ++i)
    other.record(7);
  counted.merge(other);
  CHECK(counted.count() == 10);
  CHECK(counted.quantile(0.9) == 7);
  CHECK(counted.quantile(1) > (std::uint64_t{1} << 41));
}

}  // namespace histogram_test
