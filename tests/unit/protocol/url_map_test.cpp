// url_map against url_matches(), which says the same one pattern at a time.

#include "vsoa/url_map.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "vsoa/url.hpp"

namespace url_map_test {

using vsoa::url_map;
using vsoa::url_matches;

// Few letters and short, so that patterns and URLs often meet.
std::string random_url(std::mt19937& random) {
  static constexpr char letters[] = {'/', '/', '/', 'a', 'b'};
  std::string url = "/";
  for (std::size_t length = random() % 9; length > 0; --length)
    url += letters[random() % sizeof letters];
  return url;
}

std::vector<std::string> matches(const url_map<int>& map, const std::string& url) {
  std::vector<std::string> found;
  map.for_each_match(url,
                     [&](std::string_view pattern, const int&) { found.emplace_back(pattern); });
  return found;
}

// What best_match() should find: exact, else the longest subtree; "/" last.
std::string best_of(const std::vector<std::string>& all, const std::string& url) {
  std::string best;
  for (const std::string& pattern : all) {
    if (pattern == url) return pattern;
    if (pattern.size() > best.size()) best = pattern;
  }
  return best;
}

void compare(const url_map<int>& map, const std::set<std::string>& patterns,
             const std::string& url) {
  CAPTURE(url);
  std::vector<std::string> expected;
  for (const std::string& pattern : patterns) {
    if (url_matches(pattern, url)) expected.push_back(pattern);
  }
  auto found = matches(map, url);
  const auto best = map.best_match(url);
  REQUIRE(static_cast<bool>(best) == !expected.empty());
  if (best) {
    REQUIRE(best.pattern == best_of(expected, url));
    REQUIRE(best.pattern == found.back());
    REQUIRE(map.find(best.pattern) == best.value);
  }
  std::sort(found.begin(), found.end());
  REQUIRE(found == expected);
}

TEST_CASE("for_each_match finds what url_matches says, with patterns coming and going") {
  std::mt19937 random(42);
  for (int round = 0; round < 100; ++round) {
    url_map<int> map;
    std::set<std::string> patterns;
    for (int step = 0; step < 60; ++step) {
      const std::string pattern = random_url(random);
      if (random() % 4 == 0) {
        REQUIRE(map.erase(pattern) == (patterns.erase(pattern) == 1));
      } else {
        map[pattern] = step;
        patterns.insert(pattern);
        REQUIRE(*map.find(pattern) == step);
      }
      REQUIRE(map.size() == patterns.size());
      for (int i = 0; i < 5; ++i)
        compare(map, patterns, random_url(random));
      compare(map, patterns, pattern);
    }
  }
}

TEST_CASE("matches come from the least to the most specific") {
  url_map<int> map;
  for (const char* pattern : {"/a/b", "/a/b/", "/a/", "/"})
    map[pattern] = 0;
  CHECK(matches(map, "/a/b") == std::vector<std::string>{"/", "/a/", "/a/b/", "/a/b"});
  CHECK(matches(map, "/a/b/") == std::vector<std::string>{"/", "/a/", "/a/b/"});
  CHECK(matches(map, "/a/b/c") == std::vector<std::string>{"/", "/a/", "/a/b/"});
  CHECK(matches(map, "/a") == std::vector<std::string>{"/", "/a/"});
  CHECK(matches(map, "/ab") == std::vector<std::string>{"/"});
  CHECK(matches(map, "/") == std::vector<std::string>{"/"});
}

TEST_CASE("an exact pattern beats a subtree of the same name, and that a shorter one") {
  url_map<int> map;
  map["/x/"] = 1;
  CHECK(*map.best_match("/x").value == 1);
  map["/x"] = 2;
  CHECK(*map.best_match("/x").value == 2);
  CHECK(*map.best_match("/x/").value == 1);
  CHECK(*map.best_match("/x/y").value == 1);
  CHECK_FALSE(map.best_match("/xy"));
  map["/"] = 3;
  CHECK(*map.best_match("/xy").value == 3);
  CHECK(*map.best_match("/").value == 3);
  map.erase("/x");
  CHECK(*map.best_match("/x").value == 1);
}

TEST_CASE("values stay where they are, and a copy has its own") {
  url_map<int> map;
  std::vector<const int*> places;
  for (int i = 0; i < 1000; ++i) {
    int& value = map["/" + std::to_string(i)];
    value = i;
    places.push_back(&value);
  }
  const url_map<int> copy = map;
  for (int i = 0; i < 1000; i += 2)
    REQUIRE(map.erase("/" + std::to_string(i)));
  CHECK(map.size() == 500);
  CHECK(copy.size() == 1000);
  int sum = 0;
  map.for_each([&](std::string_view pattern, const int& value) {
    REQUIRE(pattern == "/" + std::to_string(value));
    REQUIRE(&value == places[static_cast<std::size_t>(value)]);
    sum += value;
  });
  CHECK(sum == 250000);
  for (int i = 0; i < 1000; ++i)
    REQUIRE((map.find("/" + std::to_string(i)) == nullptr) == (i % 2 == 0));
  for (int i = 0; i < 1000; ++i) {
    const int* const copied = copy.find("/" + std::to_string(i));
    REQUIRE(copied != nullptr);
    REQUIRE(*copied == i);
    REQUIRE(copied != places[static_cast<std::size_t>(i)]);
  }
  const url_map<int> moved = std::move(map);
  CHECK(moved.find("/999") == places[999]);
  CHECK(moved.size() == 500);
}

TEST_CASE("a map that has been large finds what is left of it, and what is new") {
  url_map<int> map;
  for (int i = 0; i < 10'000; ++i)
    map["/" + std::to_string(i)] = i;
  for (int i = 10; i < 10'000; ++i)
    REQUIRE(map.erase("/" + std::to_string(i)));
  for (int i = 0; i < 10; ++i)
    CHECK(*map.find("/" + std::to_string(i)) == i);
  map["/new"] = 7;
  CHECK(*map.best_match("/new").value == 7);
  CHECK(map.size() == 11);
}

TEST_CASE("empty maps, empty and odd URLs") {
  url_map<int> map;
  CHECK_FALSE(map.best_match("/"));
  CHECK_FALSE(map.best_match(""));
  CHECK(map.find("/") == nullptr);
  CHECK_FALSE(map.erase("/"));
  map["/"] = 1;
  CHECK(*map.best_match("/").value == 1);
  CHECK(map.best_match(std::string(65535, '/')).pattern == "/");
  CHECK(map.best_match("/\xff").pattern == "/");
}

TEST_CASE("lengths, bytes and slashes do not undo each other in the hash") {
  const auto hash = [](std::string_view url) { return vsoa::detail::prefix_hasher::of(url); };
  CHECK(hash("/aaaa") != hash("/caaaa"));
  CHECK(hash("/abcd") != hash("/ybcdabcd"));
  CHECK(hash("/a") != hash("/a/"));
  CHECK(hash("/a/b") != hash("/ab"));
  CHECK(hash("//a") != hash("/a/"));
  // Every string of few letters up to a length has a hash of its own.
  std::set<std::size_t> seen;
  std::size_t count = 0;
  std::vector<std::string> all{"/"};
  for (std::size_t i = 0; i < all.size() && all[i].size() < 9; ++i) {
    for (const char c : {'a', 'b', 'c', '/'})
      all.push_back(all[i] + c);
  }
  for (const std::string& url : all) {
    seen.insert(hash(url));
    ++count;
  }
  CHECK(seen.size() == count);
}

}  // namespace url_map_test
