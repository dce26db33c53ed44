#include "vsoa/url.hpp"

#include <doctest/doctest.h>

#include <string>

namespace url_test {

using vsoa::is_valid_url;
using vsoa::url_matches;

TEST_CASE("what may be sent as a URL") {
  CHECK(is_valid_url("/"));
  CHECK(is_valid_url("/a/b//..%20?q#f"));
  CHECK(is_valid_url("/é中😀"));
  CHECK(is_valid_url(std::string_view("/\0", 2)));
  CHECK(is_valid_url("/" + std::string(65534, 'u')));
  CHECK_FALSE(is_valid_url("/" + std::string(65535, 'u')));
  CHECK_FALSE(is_valid_url(""));
  CHECK_FALSE(is_valid_url("a/"));
  CHECK_FALSE(is_valid_url(" /"));
  CHECK_FALSE(is_valid_url("/\xff"));
  CHECK_FALSE(is_valid_url("/\xc3"));              // cut short
  CHECK_FALSE(is_valid_url("/\xc0\xaf"));          // overlong
  CHECK_FALSE(is_valid_url("/\xed\xa0\x80"));      // surrogate
  CHECK_FALSE(is_valid_url("/\xf4\x90\x80\x80"));  // beyond Unicode
}

TEST_CASE("subscriptions and what they take") {
  struct row {
    const char* pattern;
    const char* url;
    bool matches;
  };
  constexpr row rows[] = {
      {"/", "/", true},        {"/", "/a", true},       {"/", "/a/b/c", true},
      {"/a", "/a", true},      {"/a", "/a/", false},    {"/a", "/a/b", false},
      {"/a", "/A", false},     {"/a", "/ab", false},    {"/a", "/", false},
      {"/a/", "/a", true},     {"/a/", "/a/", true},    {"/a/", "/a/b", true},
      {"/a/", "/a/b/c", true}, {"/a/", "/a//", true},   {"/a/", "/ab", false},
      {"/a/", "/", false},     {"/a/", "/b", false},    {"/a/b/", "/a", false},
      {"/a/b/", "/a/", false}, {"/a/b/", "/a/b", true}, {"/a//", "/a/", true},
      {"/a//", "/a", false},   {"//", "/", true},       {"//", "/a", false},
      {"//", "//a", true},     {"/%61", "/a", false},   {"/a/../b", "/b", false},
      {"", "/", false},        {"", "", false},
  };
  for (const row& r : rows) {
    CAPTURE(r.pattern);
    CAPTURE(r.url);
    CHECK(url_matches(r.pattern, r.url) == r.matches);
  }
}

}  // namespace url_test
