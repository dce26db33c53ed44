#include "vsoactl/latencies.hpp"

#include <doctest/doctest.h>

using std::chrono::nanoseconds;
using vsoad::ctl::latencies;

TEST_CASE("shares of what was measured, to 2 %") {
  latencies l;
  CHECK(l.within(0.5).count() == 0);
  for (int i = 1; i <= 10000; ++i)
    l.add(nanoseconds(i * 1000));
  CHECK(l.count() == 10000);
  CHECK(l.most() == nanoseconds(10'000'000));
  for (const double share : {0.5, 0.99, 0.999}) {
    const double exact = share * 1e7;
    CHECK(static_cast<double>(l.within(share).count()) >= exact * 0.98);
    CHECK(static_cast<double>(l.within(share).count()) <= exact * 1.02);
  }
  CHECK(l.within(1) == l.most());
}

TEST_CASE("the smallest and the largest") {
  latencies l;
  for (const auto value : {nanoseconds(-1), nanoseconds(0), nanoseconds(63), nanoseconds::max()})
    l.add(value);
  CHECK(l.within(0) == nanoseconds(0));
  CHECK(l.within(0.7) == nanoseconds(63));
  CHECK(l.most() == nanoseconds::max());
  CHECK(l.within(1) == nanoseconds::max());
}
