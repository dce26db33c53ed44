#include "vsoa/url_cache.hpp"

#include <doctest/doctest.h>

#include <map>
#include <string>

namespace url_cache_test {

// Counts the searches, and knows some URLs.
struct searcher {
  std::map<std::string, int, std::less<>> known;
  int searches = 0;

  const int* operator()(std::string_view url) {
    ++searches;
    const auto found = known.find(url);
    return found == known.end() ? nullptr : &found->second;
  }
};

TEST_CASE("what was found is remembered, and so is that nothing was") {
  searcher search{{{"/a", 1}, {"/b/c", 2}}};
  vsoa::url_cache<int> cache;
  for (int i = 0; i < 3; ++i) {
    CHECK(cache.find("/a", search) == &search.known["/a"]);
    CHECK(cache.find("/b/c", search) == &search.known["/b/c"]);
    CHECK(cache.find("/none", search) == nullptr);
  }
  CHECK(search.searches == 3);
  cache.clear();
  CHECK(cache.find("/a", search) == &search.known["/a"]);
  CHECK(search.searches == 4);
}

TEST_CASE("URLs that share a place, a length and their ends are not taken for each other") {
  searcher search;
  const std::string ends = "12345678";
  for (int i = 0; i < 500; ++i)
    search.known["/" + ends + std::to_string(1000 + i) + ends] = i;
  vsoa::url_cache<int> cache;
  for (int round = 0; round < 2; ++round) {
    for (const auto& [url, value] : search.known)
      REQUIRE(*cache.find(url, search) == value);
  }
}

TEST_CASE("empty and very long URLs are searched for each time") {
  const std::string at_limit = "/" + std::string(vsoa::url_cache<int>::longest_url - 1, 'x');
  searcher search{{{"", 1}, {at_limit, 2}, {at_limit + "x", 3}}};
  vsoa::url_cache<int> cache;
  for (int i = 0; i < 2; ++i) {
    CHECK(*cache.find("", search) == 1);
    CHECK(*cache.find(at_limit, search) == 2);
    CHECK(*cache.find(at_limit + "x", search) == 3);
  }
  CHECK(search.searches == 5);
}

}  // namespace url_cache_test
