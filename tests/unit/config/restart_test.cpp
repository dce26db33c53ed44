#include <doctest/doctest.h>

#include <ostream>
#include <string>
#include <vector>

#include "config/load.hpp"

using namespace vsoad::config;

namespace {

std::vector<std::string> changes(std::string_view now, std::string_view wanted) {
  const load_result a = load_text("now.yaml", now);
  const load_result b = load_text("wanted.yaml", wanted);
  REQUIRE(a.ok());
  REQUIRE(b.ok());
  return needs_restart(a, b);
}

using keys = std::vector<std::string>;

constexpr std::string_view base =
    "services: [ { name: a, listen: 127.0.0.1:1, credentials: [ { role: r, password: x } ] } ]";

}  // namespace

TEST_CASE("what says the same, in whatever words, takes no restart") {
  CHECK(changes(base, base).empty());
  CHECK(changes("runtime: { shutdown_grace: 1m }", "runtime:\n  shutdown_grace: 60s").empty());
  CHECK(changes("", "runtime: { threads: auto }").empty());
  CHECK(changes("work_queues: { a: , b: }", "work_queues: { b: , a: }").empty());
}

TEST_CASE("what a reload applies takes no restart") {
  CHECK(changes(base,
                "log: { level: debug }\n"
                "services: [ { name: a, listen: 127.0.0.1:1, limits: { clients: 1 }, plugins: all, "
                "credentials: [ { role: r, password: y } ] } ]")
            .empty());
}

TEST_CASE("the rest is named") {
  CHECK(changes(base,
                "runtime: { threads: 2, user: x }\nlog: { format: json }\n" + std::string(base)) ==
        keys{"log.format", "runtime.threads", "runtime.user"});
  CHECK(changes(base, "services: [ { name: b, listen: 127.0.0.1:2 } ]") ==
        keys{"services[0].name", "services[0].listen", "services[0].info"});
  CHECK(changes(base, "") == keys{"services[0].name", "services[0].listen", "services[0].info"});
  CHECK(changes("", "work_queues: { a: }") == keys{"work_queues"});
}
