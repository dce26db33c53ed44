// What the rules of a service allow: by role, kind and URL.
#include "broker/access.hpp"

#include <doctest/doctest.h>

namespace access_test {

using vsoad::access_rules;
using vsoad::config::access_rule;
using right = vsoa::server::access;

TEST_CASE("without rules all is allowed") {
  const access_rules none({});
  CHECK(none.empty());
  CHECK(none.allow("viewer", right::call, "/a"));
}

TEST_CASE("what no rule allows is not") {
  const access_rules rules({
      access_rule{"viewer", false, true, false, {"/telemetry/", "/state"}},
      access_rule{"operator", true, true, true, {"/"}},
      access_rule{"", true, false, false, {"/public/"}},
      access_rule{"viewer", false, false, true, {"/hello"}},
  });
  CHECK_FALSE(rules.empty());
  SUBCASE("by URL") {
    for (const char* url :
         {"/telemetry", "/telemetry/", "/telemetry/speed", "/telemetry/a/", "/state"}) {
      CAPTURE(url);
      CHECK(rules.allow("viewer", right::subscribe, url));
    }
    // A subscription that takes more than is allowed is not.
    for (const char* url : {"/", "/telemetry2", "/tele", "/state/", "/state/x", "/other"}) {
      CAPTURE(url);
      CHECK_FALSE(rules.allow("viewer", right::subscribe, url));
    }
    CHECK(rules.allow("operator", right::subscribe, "/"));
    CHECK(rules.allow("operator", right::call, "/any/thing"));
  }
  SUBCASE("by kind") {
    CHECK_FALSE(rules.allow("viewer", right::call, "/telemetry/speed"));
    CHECK_FALSE(rules.allow("viewer", right::datagram, "/telemetry/speed"));
    CHECK(rules.allow("viewer", right::datagram, "/hello"));
    CHECK_FALSE(rules.allow("viewer", right::subscribe, "/hello"));
  }
  SUBCASE("a rule without a role is everybody's") {
    for (const char* role : {"viewer", "operator", "unheard-of", ""}) {
      CAPTURE(role);
      CHECK(rules.allow(role, right::call, "/public/x"));
    }
    CHECK_FALSE(rules.allow("", right::call, "/private"));
    CHECK_FALSE(rules.allow("unheard-of", right::subscribe, "/public/x"));
  }
}

TEST_CASE("rules of one role alone leave nothing to the others") {
  const access_rules rules({access_rule{"operator", true, true, true, {"/"}}});
  CHECK_FALSE(rules.allow("", right::call, "/a"));
  CHECK_FALSE(rules.allow("viewer", right::datagram, "/a"));
}

}  // namespace access_test
