// What is made from the table of keys and committed is what the table makes now. If this fails
// after a change of the table: `ninja generated_texts`, look at the difference, and commit it.
#include <doctest/doctest.h>

#include <algorithm>
#include <ostream>
#include <set>
#include <string>

#include "config/generate.hpp"
#include "config/load.hpp"
#include "config/schema.hpp"
#include "file.hpp"

namespace generated_test {

using namespace vsoad::config;

std::string committed(const std::string& name) {
  std::string text = vsoa_test::read_file(std::string(VSOA_TEST_SOURCE_DIR) + "/../" + name);
  REQUIRE_FALSE(text.empty());
  return text;
}

TEST_CASE("the committed texts are up to date") {
  CHECK((committed("conf/vsoad.schema.json") == generate_json_schema()));
  CHECK((committed("packaging/man/vsoad.yaml.5") == generate_man_page()));
}

TEST_CASE("the example of the manual page loads") {
  load_options options;
  options.environment = [](const std::string&) { return std::nullopt; };
  const load_result result = load_text("example", man_page_example(), options);
  for (const diagnostic& d : result.diagnostics)
    MESSAGE(to_string(d));
  CHECK(result.ok());
  CHECK(result.diagnostics.empty());
}

TEST_CASE("the table is complete and its own defaults and examples are good values") {
  std::set<std::string_view> seen;
  for (const row& r : schema_rows()) {
    CAPTURE(std::string(r.path));
    CHECK(seen.insert(r.path).second);
    CHECK(r.help.ends_with('.'));
    const bool has_keys =
        r.type.what == kind::section || r.type.what == kind::list || r.type.what == kind::mapping;
    if (has_keys) continue;
    CHECK_FALSE(r.example.empty());
    CHECK((r.store != nullptr || r.path == "include"));
    CHECK_FALSE((r.required && !r.fallback.empty()));
    if (r.type.what == kind::any || r.type.what == kind::secret) continue;
    value v;
    for (const std::string& text : r.fallback) {
      CHECK(parse_value(r.type, *make_scalar({}, text, false), v).empty());
      // As people would write it, too.
      CHECK(print_value(r.type, v)->text == text);
    }
    if (r.example.starts_with('[')) continue;
    CHECK(parse_value(r.type, *make_scalar({}, std::string(r.example), false), v).empty());
  }
}

}  // namespace generated_test
