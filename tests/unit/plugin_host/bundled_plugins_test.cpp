// echo and sysinfo, as a client meets them.
#include <doctest/doctest.h>

#include "rig.hpp"

namespace bundled_plugins_test {

using namespace vsoa_test;

struct bundled_rig : rig {
  bundled_rig() : rig(1) {
    dir.put(bundled("echo"), "echo");
    dir.put(bundled("sysinfo"), "sysinfo");
  }
};

TEST_CASE("echo sends back what it is sent") {
  bundled_rig r;
  r.service.commands.push_back({"/mirror", "echo", "", "", {}, {}});
  r.start();
  auto peer = r.connect();
  for (const char* url : {"/echo", "/mirror"}) {
    const auto reply = peer.ask(rpc(7, url, R"({"a":[1,2]})", std::string("\0\1\2", 3)));
    CHECK(reply.status == status_success);
    CHECK(reply.param == R"({"a":[1,2]})");
    CHECK(reply.data == std::string("\0\1\2", 3));
  }
  CHECK(peer.ask(rpc(8, "/echo")).param.empty());
  CHECK(peer.ask(rpc(9, "/nowhere")).status == status_invalid_url);
}

TEST_CASE("echo publishes where it is told to") {
  bundled_rig r;
  r.start();
  auto peer = r.connect();
  CHECK(peer.ask(subscribe(1, "/")).status == status_success);
  const auto published = [&](const std::string& param) {
    peer.send(rpc(2, "/publish", param, "payload"));
    auto first = peer.read();
    if (first.type != type_publish) {
      CHECK(first.status == status_arguments);
      return std::string("(refused)");
    }
    CHECK(first.data == "payload");
    CHECK(first.param.empty());
    CHECK(peer.read().status == status_success);
    return first.url;
  };
  CHECK(published(R"("/news")") == "/news");
  CHECK(published(R"( "/a\/b\u00e4\ud83d\ude00\n" )") == "/a/b\xC3\xA4\xF0\x9F\x98\x80\n");
  for (const char* wrong : {"", "null", "\"", "\"/x", "\"no-slash\"", "\"\"", "\"/x\" 1",
                            "[\"/x\"]", R"("/\x")", R"("/\ud83d")", R"("/\udc00")", R"("/\u12g4")",
                            R"("/\u12)", "\"/\\", "\"/\x01\"", "\"/\xFF\"", "/x"}) {
    CAPTURE(wrong);
    CHECK(published(wrong) == "(refused)");
  }
}

TEST_CASE("sysinfo answers in JSON") {
  bundled_rig r;
  r.start();
  auto peer = r.connect();
  const auto get = [&](const std::string& url) { return peer.ask(rpc(1, url)).param; };
  CHECK(get("/sysinfo/cpu").starts_with("{\"cores\":"));
  CHECK(get("/sysinfo/memory").starts_with("{\"total\":"));
  CHECK(get("/sysinfo/uptime").starts_with("{\"seconds\":"));
  CHECK(get("/sysinfo/load").starts_with("{\"1m\":"));
  const auto all = get("/sysinfo");
  for (const char* part : {"{\"cpu\":{", ",\"memory\":{", ",\"uptime\":{", ",\"load\":{"}) {
    CHECK(all.find(part) != std::string::npos);
  }
  CHECK(peer.ask(rpc(2, "/sysinfo", "", "", true)).status == status_arguments);
}

TEST_CASE("sysinfo publishes to whoever subscribes") {
  bundled_rig r;
  r.settings.settings["sysinfo"].config_json = R"({"interval":"100ms"})";
  r.start();
  auto peer = r.connect();
  CHECK(peer.ask(subscribe(1, "/sysinfo")).status == status_success);
  for (int i = 0; i < 2; ++i) {
    const auto news = peer.read();
    CHECK(news.type == type_publish);
    CHECK(news.url == "/sysinfo");
    CHECK(news.param.starts_with("{\"cpu\":{\"cores\":"));
  }
}

TEST_CASE("sysinfo refuses settings that it does not understand") {
  for (const char* wrong : {R"({"interval":"fast"})", R"({"interval":-1})", R"({"interval":"1ms"})",
                            R"({"intervall":1})", "[]", R"({"interval":true})"}) {
    CAPTURE(wrong);
    bundled_rig r;
    r.settings.settings["sysinfo"].config_json = wrong;
    r.start();
    CHECK(r.log.count("plugin sysinfo: does not start") == 1);
    CHECK(r.host->find("sysinfo") == nullptr);
  }
}

}  // namespace bundled_plugins_test
