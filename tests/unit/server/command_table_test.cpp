#include "server/command_table.hpp"

#include <doctest/doctest.h>

#include <string>

namespace command_table_test {

using vsoa::command_table;

std::shared_ptr<const command_table> table_of(const std::vector<std::string>& urls) {
  std::shared_ptr<const command_table> table;
  for (const std::string& url : urls)
    table = command_table::with(table.get(), url, {});
  return table;
}

// Entries have no name: told apart by their place.
bool finds(const command_table& table, const std::string& url, const std::string& registered) {
  const auto* found = table.find(url);
  return found != nullptr && found == table.find(registered);
}

TEST_CASE("exact, else the longest subtree, else the default") {
  const auto table = table_of({"/", "/a/", "/a", "/a/b/", "/z/"});
  CHECK(finds(*table, "/a", "/a"));
  CHECK_FALSE(finds(*table, "/a", "/a/x"));
  CHECK(finds(*table, "/a/", "/a/x"));
  CHECK(finds(*table, "/a/b", "/a/b/c/d"));
  CHECK(finds(*table, "/z", "/z/y"));
  CHECK(finds(*table, "/zz", "/nothing"));
  CHECK(finds(*table, "/", "/nothing"));
  CHECK_FALSE(finds(*table, "/a/x", "/nothing"));
}

TEST_CASE("without a default the rest is nobody's") {
  const auto table = table_of({"/a", "/b/"});
  CHECK(table->find("/a/") == nullptr);
  CHECK(table->find("/c") == nullptr);
  CHECK(table->find("/") == nullptr);
  CHECK(table->find("/b/c") != nullptr);
}

TEST_CASE("a URL that is not UTF-8 is nobody's, even under a subtree or the default") {
  const auto table = table_of({"/", "/b/"});
  CHECK(table->find("/\xff") == nullptr);
  CHECK(table->find("/b/\xc3") == nullptr);
  CHECK(table->find("/b/\xc3\xa9") != nullptr);
}

TEST_CASE("a loop's lookup finds what the table does, with a default alone, too") {
  for (const auto& urls : std::vector<std::vector<std::string>>{{"/"}, {"/a"}, {"/", "/a/"}, {}}) {
    std::vector<vsoa::server::command_entry> entries;
    for (const auto& url : urls)
      entries.push_back({url, [](vsoa::call&) {}, nullptr});
    const auto table = vsoa::command_table::of(std::move(entries));
    vsoa::command_lookup lookup;
    CHECK(lookup.find("/") == nullptr);
    lookup.set(table);
    for (const char* url : {"/", "/a", "/a/b", "/b", "/\xff", "a", ""}) {
      CAPTURE(url);
      CHECK(lookup.find(url) == table->find(url));
      CHECK(lookup.find(url) == table->find(url));
    }
    lookup.set(nullptr);
    CHECK(lookup.find("/") == nullptr);
  }
}

TEST_CASE("a table does not change; with() makes another") {
  const auto first = table_of({"/a"});
  const auto second = command_table::with(first.get(), "/b", {});
  CHECK(first->find("/b") == nullptr);
  CHECK(second->find("/a") != nullptr);
  CHECK(second->find("/b") != nullptr);
}

}  // namespace command_table_test
