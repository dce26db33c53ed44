// Plugins built against the installed headers alone, in C and in C++, answer through the host.
#include <doctest/doctest.h>

#include "rig.hpp"

using namespace vsoa_test;

TEST_CASE("plugins of an outside project load and answer") {
  for (const char* name : {"greeter-c", "greeter-cxx17", "greeter-cxx20"}) {
    CAPTURE(name);
    rig r;
    r.dir.put(sample(name), name);
    r.start();
    REQUIRE(r.host->failures().empty());
    CHECK(r.log.count("plugin " + std::string(name) + ": ready to greet") == 1);
    auto peer = r.connect();
    CHECK(peer.ask(rpc(1, "/greet")).param == R"({"calls":1})");
    const auto second = peer.ask(rpc(2, "/greet", "", "data"));
    CHECK(second.param == R"({"calls":2})");
    CHECK(second.data == "data");
    CHECK(peer.ask(rpc(3, "/later")).param == "\"good evening\"");
    CHECK(r.host->stop());
  }
}
