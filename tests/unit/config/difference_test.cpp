#include <doctest/doctest.h>

#include <ostream>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace difference_test {

using namespace vsoad::config;

using lines = std::vector<std::string>;

// What needs a restart is marked by "!".
lines changes(std::string_view now, std::string_view wanted) {
  const load_result a = load_text("now.yaml", now);
  const load_result b = load_text("wanted.yaml", wanted);
  REQUIRE(a.ok());
  REQUIRE(b.ok());
  lines all;
  for (const difference& d : differences(a, b))
    all.push_back((d.needs_restart ? "!" : "") + to_string(d));
  return all;
}

constexpr std::string_view base =
    "services: [ { name: a, listen: 127.0.0.1:1, credentials: [ { role: r, password: x } ] } ]";

TEST_CASE("what says the same, in whatever words, is no difference") {
  CHECK(changes(base, base).empty());
  CHECK(changes("runtime: { shutdown_grace: 1m }", "runtime:\n  shutdown_grace: 60s").empty());
  CHECK(changes("", "runtime: { threads: auto }").empty());
  CHECK(changes("work_queues: { a: , b: }", "work_queues: { b: , a: }").empty());
}

TEST_CASE("services are compared by name, and secrets never shown") {
  CHECK(changes(base,
                "log: { level: debug }\n"
                "services: [ { name: b, listen: 127.0.0.1:2 }, { name: a, listen: 127.0.0.1:1, "
                "limits: { clients: 1 }, plugins: all, credentials: [ { role: r, password: y } ] } "
                "]") == lines{"log.level: changed", "services[a].credentials: changed",
                              "services[a].plugins: changed", "services[a].limits.clients: changed",
                              "services[b]: added"});
  CHECK(changes(base, "services: [ { name: b, listen: 127.0.0.1:2 } ]") ==
        lines{"services[a]: removed", "services[b]: added"});
}

TEST_CASE("keys of the user's own") {
  CHECK(changes("work_queues: { a: , b: }", "work_queues: { a: { threads: 2 }, c: }") ==
        lines{"work_queues.a.threads: changed", "work_queues.b: removed", "work_queues.c: added"});
  CHECK(changes("plugins: { settings: { p: { config: 1 } } }",
                "plugins: { settings: { p: { config: 2 }, q: { config: 1 } } }") ==
        lines{"plugins.settings.p.config: changed", "plugins.settings.q: added"});
}

TEST_CASE("what needs a restart is named by its key") {
  CHECK(changes(base,
                "runtime: { threads: 2, user: x }\nlog: { format: json }\n" + std::string(base)) ==
        lines{"!log.format: changed", "!runtime.threads: changed", "!runtime.user: added"});
}

}  // namespace difference_test
