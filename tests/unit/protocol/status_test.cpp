#include "vsoa/status.hpp"

#include <doctest/doctest.h>

#include <ostream>
#include <set>

#include "vsoa/error.hpp"

namespace status_test {

using vsoa::status;

TEST_CASE("statuses have the names of the wire notes") {
  CHECK(vsoa::to_string(status::success) == "SUCCESS");
  CHECK(vsoa::to_string(status::password) == "PASSWORD");
  CHECK(vsoa::to_string(status::arguments) == "ARGUMENTS");
  CHECK(vsoa::to_string(status::invalid_url) == "INVALID_URL");
  CHECK(vsoa::to_string(status::no_responding) == "NO_RESPONDING");
  CHECK(vsoa::to_string(status::no_permissions) == "NO_PERMISSIONS");
  CHECK(vsoa::to_string(status::no_memory) == "NO_MEMORY");
  CHECK(vsoa::to_string(status::proxy) == "PROXY");
}

TEST_CASE("ranges without names") {
  for (unsigned value = 8; value < 256; ++value) {
    CAPTURE(value);
    CHECK(vsoa::to_string(static_cast<status>(value)) == (value < 128 ? "RESERVED" : "USER"));
  }
}

TEST_CASE("errors belong to the category vsoa, each with a text of its own") {
  CHECK(std::string_view(vsoa::error_category().name()) == "vsoa");
  std::set<std::string> texts;
  constexpr int last = static_cast<int>(vsoa::errc::not_running);
  for (int value = 1; value <= last; ++value)
    texts.insert(vsoa::error_category().message(value));
  CHECK(texts.size() == last);
  CHECK(vsoa::error_category().message(last + 1) == "unknown error " + std::to_string(last + 1));
  const std::error_code code = vsoa::errc::too_large;
  CHECK(code.category() == vsoa::error_category());
  CHECK(code == vsoa::errc::too_large);
}

}  // namespace status_test
