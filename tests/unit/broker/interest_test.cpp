// What upstream is asked for: no more than what is wanted, and what it refused once more.
#include "broker/interest.hpp"

#include <doctest/doctest.h>

namespace interest_test {

using vsoad::interest;

std::string text(const std::vector<interest::change>& changes) {
  std::string out;
  for (const auto& c : changes)
    out += (c.wanted ? '+' : '-') + c.pattern + ' ';
  return out;
}

TEST_CASE("the first who wants and the last who leaves are told") {
  interest i;
  CHECK(i.add("/a"));
  CHECK_FALSE(i.add("/a"));
  CHECK_FALSE(i.add("/b"));
  CHECK(text(i.take()) == "+/a +/b ");
  CHECK_FALSE(i.remove("/a"));
  CHECK(i.remove("/b"));
  CHECK_FALSE(i.remove("/nobody"));
  CHECK(text(i.take()) == "-/b ");
  CHECK(i.size() == 1);
  // Came and went meanwhile.
  i.add("/c");
  i.remove("/c");
  CHECK(text(i.take()).empty());
  CHECK(i.size() == 1);
}

TEST_CASE("with nobody to be asked, what comes and goes leaves nothing behind") {
  interest i;
  i.add("/stays");
  for (int n = 0; n < 1000; ++n) {
    const std::string pattern = "/" + std::to_string(n);
    i.add(pattern);
    i.remove(pattern);
    i.drop();
  }
  CHECK(i.size() == 1);
  CHECK(text(i.take()).empty());
  CHECK(i.restart() == std::vector<std::string>{"/stays"});
  CHECK(text(i.take()).empty());
  // A subscription that went down with the connection is not given up again.
  i.drop();
  i.remove("/stays");
  i.drop();
  CHECK(i.size() == 0);
}

TEST_CASE("what was refused is tried again, in turn, while it is wanted") {
  interest i;
  for (const char* pattern : {"/a", "/b", "/c"})
    i.add(pattern);
  i.take();
  for (const char* pattern : {"/a", "/b", "/c", "/nobody"})
    i.refused(pattern);
  CHECK(i.refused_count() == 3);
  CHECK(i.retry(1) == std::vector<std::string>{"/a"});
  i.refused("/a");
  CHECK(i.retry(1) == std::vector<std::string>{"/b"});
  CHECK(i.retry(0).empty());
  i.remove("/c");
  // It may have been granted after all.
  CHECK(text(i.take()) == "-/c ");
  CHECK(i.retry(9) == std::vector<std::string>{"/a"});
  i.refused("/a");
  CHECK(i.restart() == std::vector<std::string>{"/a", "/b"});
  CHECK(i.refused_count() == 0);
}

}  // namespace interest_test
