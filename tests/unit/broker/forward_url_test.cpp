// URLs to an upstream server and back, and which subscriptions ours add up to there.
#include <doctest/doctest.h>

#include <ostream>
#include <string>

#include "broker/forward_url.hpp"
#include "broker/interest.hpp"

namespace forward_url_test {

using vsoad::forward_url;
using vsoad::interest;

std::string ours(const forward_url& f, std::string_view url) {
  std::string scratch;
  return std::string(f.to_ours(url, scratch));
}

std::string wanted(const forward_url& f, std::string_view pattern) {
  return f.subscription(pattern).value_or("-");
}

TEST_CASE("without strip_prefix URLs stay as they are") {
  const forward_url f("/old/", false);
  CHECK(f.to_upstream("/old/door") == "/old/door");
  CHECK(f.to_upstream("/old") == "/old");
  CHECK(ours(f, "/old/door") == "/old/door");
  CHECK(ours(f, "/old") == "/old");
  CHECK(ours(f, "/new/door").empty());
  CHECK(ours(f, "/older").empty());
}

TEST_CASE("with strip_prefix upstream does not see the prefix") {
  const forward_url f("/old/", true);
  CHECK(f.to_upstream("/old/door/left") == "/door/left");
  CHECK(f.to_upstream("/old/") == "/");
  CHECK(f.to_upstream("/old") == "/");
  CHECK(ours(f, "/door") == "/old/door");
  CHECK(ours(f, "/") == "/old/");
  const forward_url all("/", true);
  CHECK(all.to_upstream("/door") == "/door");
  CHECK(ours(all, "/door") == "/door");
}

TEST_CASE("what a subscription means upstream") {
  const forward_url kept("/old/", false);
  CHECK(wanted(kept, "/") == "/old/");
  CHECK(wanted(kept, "/old/") == "/old/");
  CHECK(wanted(kept, "/old/a/") == "/old/a/");
  CHECK(wanted(kept, "/old/a") == "/old/a");
  CHECK(wanted(kept, "/old") == "/old");
  CHECK(wanted(kept, "/ol") == "-");
  CHECK(wanted(kept, "/older/") == "-");
  const forward_url stripped("/x/old/", true);
  CHECK(wanted(stripped, "/") == "/");
  CHECK(wanted(stripped, "/x/") == "/");
  CHECK(wanted(stripped, "/x/old/") == "/");
  CHECK(wanted(stripped, "/x/old/a/") == "/a/");
  CHECK(wanted(stripped, "/x/old/a") == "/a");
  CHECK(wanted(stripped, "/x/old") == "-");
  CHECK(wanted(stripped, "/y/") == "-");
  const forward_url one("/x/old", false);
  CHECK(wanted(one, "/x/old") == "/x/old");
  CHECK(wanted(one, "/x/old/") == "/x/old");
  CHECK(wanted(one, "/") == "/x/old");
  CHECK(wanted(one, "/x/old/a") == "-");
}

TEST_CASE("interest: asked for once, given up with the last") {
  interest i;
  CHECK(i.add("/a"));
  CHECK_FALSE(i.add("/a"));
  CHECK_FALSE(i.add("/b"));  // the first has told already
  auto changes = i.take();
  REQUIRE(changes.size() == 2);
  CHECK(changes[0].pattern == "/a");
  CHECK(changes[0].wanted);
  CHECK(i.take().empty());
  CHECK_FALSE(i.remove("/a"));
  CHECK(i.remove("/a"));
  changes = i.take();
  REQUIRE(changes.size() == 1);
  CHECK(changes[0].pattern == "/a");
  CHECK_FALSE(changes[0].wanted);
  CHECK(i.size() == 1);
  CHECK_FALSE(i.remove("/unknown"));
}

TEST_CASE("interest: what comes and goes in between is not asked for") {
  interest i;
  CHECK(i.add("/a"));
  CHECK_FALSE(i.remove("/a"));
  CHECK(i.take().empty());
  CHECK(i.size() == 0);
  CHECK(i.add("/a"));
  CHECK(i.take().size() == 1);
  CHECK(i.remove("/a"));
  CHECK_FALSE(i.add("/a"));
  CHECK(i.take().empty());
}

TEST_CASE("interest: a new connection begins anew") {
  interest i;
  i.add("/a");
  i.add("/b");
  i.take();
  i.remove("/b");
  i.add("/c");
  const auto all = i.restart();
  REQUIRE(all.size() == 2);
  CHECK(all[0] == "/a");
  CHECK(all[1] == "/c");
  CHECK(i.take().empty());
  CHECK(i.remove("/a"));
  const auto changes = i.take();
  REQUIRE(changes.size() == 1);
  CHECK_FALSE(changes[0].wanted);
}

}  // namespace forward_url_test
