#include "plugin_host/plugin_metrics.hpp"

#include <doctest/doctest.h>

#include "vsoa/plugin.h"

namespace plugin_metrics_test {

using vsoad::plugin_metric;
using vsoad::plugin_metrics;

TEST_CASE("counters add up, gauges are set, in order of name") {
  plugin_metrics metrics;
  CHECK(metrics.add("b_count", 2) == VSOA_OK);
  CHECK(metrics.add("b_count", 3) == VSOA_OK);
  CHECK(metrics.set("a_gauge", 1.5) == VSOA_OK);
  CHECK(metrics.set("a_gauge", -2.5) == VSOA_OK);
  std::vector<plugin_metric> all;
  metrics.snapshot("p", all);
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "a_gauge");
  CHECK_FALSE(all[0].is_counter);
  CHECK(all[0].value == -2.5);
  CHECK(all[1].plugin == "p");
  CHECK(all[1].count == 5);
}

TEST_CASE("names have rules and belong to one kind") {
  plugin_metrics metrics;
  for (const char* bad : {"", "9a", "A", "a-b", "a b", "\xC3\xA4"}) {
    CHECK(metrics.add(bad, 1) == VSOA_E_ARGUMENT);
  }
  CHECK(metrics.add(std::string(65, 'a'), 1) == VSOA_E_ARGUMENT);
  CHECK(metrics.add(std::string(64, 'a'), 1) == VSOA_OK);
  CHECK(metrics.add("_1", 1) == VSOA_OK);
  CHECK(metrics.set("_1", 1) == VSOA_E_ARGUMENT);
}

TEST_CASE("there are at most 256, and those go on to work") {
  plugin_metrics metrics;
  for (int i = 0; i < 256; ++i)
    REQUIRE(metrics.add("m" + std::to_string(i), 1) == VSOA_OK);
  CHECK(metrics.add("one_more", 1) == VSOA_E_FULL);
  CHECK(metrics.set("one_more", 1) == VSOA_E_FULL);
  CHECK(metrics.add("m7", 1) == VSOA_OK);
}

}  // namespace plugin_metrics_test
