// Plugin files that come into the watched directory of a vsoad that runs, change there, and go.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "daemon_runner.hpp"
#include "file.hpp"
#include "healthy_client.hpp"
#include "peer.hpp"

namespace drop_in_test {

using namespace vsoa_test;
namespace fs = std::filesystem;

struct fixture {
  temporary_directory plugins;
  daemon_runner vsoad{"plugins: { directory: " + plugins.path().string() +
                      " }\nservices: [ { name: main, listen: \"127.0.0.1:0\", plugins: all } ]\n"};
  tcp_peer peer{vsoad.service()};
  std::uint32_t seqno = 0;

  fixture() { peer.handshake(); }

  static fs::path sample(const std::string& name) {
    return fs::path(VSOAD_TEST_PLUGINS) / (name + ".so");
  }
  fs::path file(const std::string& name) const { return plugins.path() / (name + ".so"); }
  void copy(const std::string& from, const std::string& name) const {
    fs::copy_file(sample(from), file(name), fs::copy_options::overwrite_existing);
  }
  packet ask(const std::string& url) { return peer.ask_for_reply(rpc(++seqno, url)); }
  bool is_served(const std::string& url) { return ask(url).status == status_success; }
};

TEST_CASE_FIXTURE(fixture, "a file that is copied in is served, and one that is removed is not") {
  CHECK(ask("/a").status == status_invalid_url);
  copy("good", "good");
  CHECK(vsoad.wait_for_line("plugin good 1.0: new"));
  CHECK(is_served("/a"));
  fs::remove(file("good"));
  CHECK(vsoad.wait_for_line("plugin good 1.0 unloaded"));
  CHECK(ask("/a").status == status_invalid_url);
}

TEST_CASE_FIXTURE(fixture, "replaced by cp, and by rename as dpkg does") {
  copy("good", "good");
  REQUIRE(vsoad.wait_for_line("plugin good 1.0: new"));
  copy("good-2", "good");
  CHECK(vsoad.wait_for_line("plugin good 2.0: replaces 1.0"));
  fs::copy_file(sample("good"), plugins.path() / "good.so.dpkg-new");
  fs::rename(plugins.path() / "good.so.dpkg-new", file("good"));
  CHECK(vsoad.wait_for_line("plugin good 1.0: replaces 2.0"));
  CHECK(is_served("/a"));
}

TEST_CASE_FIXTURE(fixture, "a half-written file is not loaded, and the one of before serves") {
  copy("good", "good");
  REQUIRE(vsoad.wait_for_line("plugin good 1.0: new"));
  const std::string bytes = read_file(sample("good-2"));
  {
    std::ofstream to(file("good"), std::ios::binary);
    to << bytes.substr(0, bytes.size() / 2) << std::flush;
    copy("probe", "probe");  // has the directory looked through meanwhile
    REQUIRE(vsoad.wait_for_line("plugin probe 2.1: new"));
    CHECK(is_served("/a"));
    to << bytes.substr(bytes.size() / 2);
  }
  CHECK(vsoad.wait_for_line("plugin good 2.0: replaces 1.0"));
  CHECK(is_served("/a"));
  CHECK(vsoad.lines_with("is not served").empty());
}

TEST_CASE_FIXTURE(fixture,
                  "one that does not start leaves the one of before, and the log says why") {
  copy("good", "good");
  REQUIRE(vsoad.wait_for_line("plugin good 1.0: new"));
  copy("good-fails", "good");
  CHECK(vsoad.wait_for_line("its start() returned 3; the one of before goes on"));
  CHECK(is_served("/a"));
}

TEST_CASE_FIXTURE(fixture, "the directory itself may go and come back") {
  copy("good", "good");
  REQUIRE(vsoad.wait_for_line("plugin good 1.0: new"));
  fs::remove_all(plugins.path());
  CHECK(vsoad.wait_for_line("plugin good 1.0: removed"));
  fs::create_directory(plugins.path());
  copy("good-2", "good");
  CHECK(vsoad.wait_for_line("plugin good 2.0: new"));
  CHECK(is_served("/a"));
}

TEST_CASE_FIXTURE(fixture, "two that claim one command: the first in order of name, said once") {
  copy("other", "other");
  REQUIRE(vsoad.wait_for_line("plugin other 1.0: new"));
  copy("good", "good");
  REQUIRE(vsoad.wait_for_line("plugin good 1.0: new"));
  CHECK(vsoad.wait_for_line("plugin other does not serve /a: plugin good does"));
}

}  // namespace drop_in_test
