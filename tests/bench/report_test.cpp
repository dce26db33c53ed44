#include "report.hpp"

#include <doctest/doctest.h>

#include "chart.hpp"

namespace report_test {

bench::outcome example() {
  bench::outcome made;
  made.scenario = "echo";
  made.sides = {"raw", "vsoad"};
  made.rounds = {{{{"rate", "1/s", 100}}, {{"rate", "1/s", 50}}},
                 {{{"rate", "1/s", 200}}, {{"rate", "1/s", 180}}},
                 {{{"rate", "1/s", 10}}, {{"rate", "1/s", 6}}}};
  return made;
}

TEST_CASE("report: median of odd and even counts") {
  CHECK(bench::summarize({3, 1, 2}).median == doctest::Approx(2));
  CHECK(bench::summarize({4, 1, 2, 3}).median == doctest::Approx(2.5));
  CHECK(bench::summarize({4, 1, 2, 3}).lowest == doctest::Approx(1));
  CHECK(bench::summarize({4, 1, 2, 3}).highest == doctest::Approx(4));
  CHECK(bench::summarize({}).median == doctest::Approx(0));
}

TEST_CASE("report: ratios are taken within a round") {
  const bench::summary ratio = bench::summarize(bench::ratios_of(example(), 1, "rate"));
  CHECK(ratio.median == doctest::Approx(0.6));
  CHECK(ratio.lowest == doctest::Approx(0.5));
  CHECK(ratio.highest == doctest::Approx(0.9));
}

TEST_CASE("report: a figure that only one side has gives no ratio") {
  bench::outcome made = example();
  made.rounds[0][0].push_back({"p50", "us", 3});
  CHECK(bench::ratios_of(made, 1, "p50").empty());
  CHECK(bench::values_of(made, 0, "p50").size() == 1);
}

TEST_CASE("chart: one bar for each side but the first") {
  const std::string svg = bench::draw_chart({example()});
  CHECK(svg.find("echo, rate</text>") != std::string::npos);
  CHECK(svg.find(">0.60</text>") != std::string::npos);
}

}  // namespace report_test
