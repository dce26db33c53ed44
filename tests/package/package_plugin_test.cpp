// Plugins built against the installed headers alone, in C and in C++, answer through the host.
#include <doctest/doctest.h>

#include "rig.hpp"

using namespace vsoa_test;

namespace {

struct package_rig : rig {
  package_rig(const std::string& standard, const std::string& name) {
    dir.put(sample(standard + "/" + name), name);
    settings.settings[name].config_json = R"({"language":"en"})";
    start();
    REQUIRE(host->failures().empty());
  }
};

}  // namespace

TEST_CASE("the guide's example in C++, with both standards") {
  for (const char* standard : {"c++17", "c++20"}) {
    CAPTURE(standard);
    package_rig r(standard, "greeter");
    CHECK(r.log.count("plugin greeter: has settings") == 1);
    auto peer = r.connect();
    CHECK(peer.ask(rpc(1, "/greet")).param == R"({"calls":1})");
    const auto second = peer.ask(rpc(2, "/greet", "", "data"));
    CHECK(second.param == R"({"calls":2})");
    CHECK(second.data == "data");
    CHECK(peer.ask(rpc(3, "/later")).param == "\"good evening\"");
    CHECK(peer.ask(rpc(4, "/hello")).param == "\"hello\"");
    CHECK(r.host->stop());
  }
}

TEST_CASE("the guide's example in C") {
  package_rig r("c99", "greeter");
  CHECK(r.log.count("plugin greeter: starting") == 1);
  auto peer = r.connect();
  const auto reply = peer.ask(rpc(1, "/greet", "", "data"));
  CHECK(reply.param == "\"hello\"");
  CHECK(reply.data == "data");
  CHECK(r.host->stop());
}

TEST_CASE("a plugin in C that answers later") {
  package_rig r("c99", "later");
  auto peer = r.connect();
  CHECK(peer.ask(rpc(1, "/later")).param == "\"good evening\"");
  CHECK(r.host->stop());
}
