// Loading plugins: what is refused is reported by name, and the rest is served.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace plugins_test {

using namespace vsoa_test;
namespace fs = std::filesystem;

/// A directory with the echo plugin in it, readable as a plugin directory must be.
struct plugin_folder {
  temporary_directory place;

  plugin_folder() { copy("echo.so", "echo.so"); }
  fs::path copy(const std::string& plugin, const std::string& as) const {
    const fs::path to = place.path() / as;
    fs::copy_file(plugin_directory() + "/" + plugin, to);
    fs::permissions(to, fs::perms{0755});
    return to;
  }
  std::string config() const {
    return "plugins: { directory: \"" + place.path().string() + R"(" }
services:
  - name: main
    listen: "127.0.0.1:0"
    plugins: all
)";
  }
};

void echo_is_served(const daemon_runner& vsoad) {
  tcp_peer client{vsoad.service()};
  client.handshake();
  CHECK(client.ask(rpc(1, "/echo", "1")).param == "1");
}

TEST_CASE("files that are no plugins are reported, the rest is served") {
  const plugin_folder folder;
  folder.place.write("text.so", "this is not a shared object");
  folder.place.write("empty.so", "");
  folder.place.write("cut.so",
                     "\x7F"
                     "ELF");
  folder.place.write("notes.txt", "not looked at");
  const daemon_runner vsoad{folder.config()};
  for (const char* name : {"text", "empty", "cut"}) {
    CAPTURE(std::string(name));
    CHECK_FALSE(vsoad.lines_with(name).empty());
  }
  CHECK(vsoad.lines_with("notes").empty());
  echo_is_served(vsoad);
}

TEST_CASE("a shared object without the entry point is reported") {
  const plugin_folder folder;
  fs::copy_file("/proc/self/exe", folder.place.path() / "program.so");
  const daemon_runner vsoad{folder.config()};
  CHECK_FALSE(vsoad.lines_with("program").empty());
  echo_is_served(vsoad);
}

TEST_CASE("a plugin that others may write is refused") {
  const plugin_folder folder;
  fs::permissions(folder.copy("sysinfo.so", "sysinfo.so"), fs::perms{0777});
  const daemon_runner vsoad{folder.config()};
  CHECK_FALSE(vsoad.lines_with("sysinfo").empty());
  echo_is_served(vsoad);
}

TEST_CASE("a plugin file cut short or garbled is reported") {
  const plugin_folder folder;
  const auto whole = fs::file_size(plugin_directory() + "/sysinfo.so");
  fs::resize_file(folder.copy("sysinfo.so", "half.so"), whole / 2);
  fs::resize_file(folder.copy("sysinfo.so", "header.so"), 64);
  const daemon_runner vsoad{folder.config()};
  CHECK_FALSE(vsoad.lines_with("half").empty());
  CHECK_FALSE(vsoad.lines_with("header").empty());
  echo_is_served(vsoad);
}

TEST_CASE("cp over a loaded plugin does not disturb the daemon") {
  const plugin_folder folder;
  const daemon_runner vsoad{folder.config()};
  echo_is_served(vsoad);
  // As cp does: the same file, its content overwritten in place.
  fs::resize_file(folder.place.path() / "echo.so", 0);
  fs::resize_file(folder.place.path() / "echo.so", 4096);
  tcp_peer client{vsoad.service()};
  client.handshake();
  for (std::uint32_t seqno = 1; seqno <= 50; ++seqno)
    CHECK(client.ask(rpc(seqno, "/echo", "1")).type == type_rpc);
}

TEST_CASE("sysinfo answers and publishes every second") {
  const daemon_runner vsoad{with_plugins(R"(services:
  - name: main
    listen: "127.0.0.1:0"
    plugins: [ sysinfo ]
)")};
  tcp_peer client{vsoad.service()};
  client.handshake();
  const packet answer = client.ask(rpc(1, "/sysinfo"));
  CHECK(answer.status == status_success);
  CHECK(client.ask_for_reply(subscribe(2, "/sysinfo/")).status == status_success);
  const packet first = client.read();
  const auto begin = test_clock::now();
  const packet second = client.read();
  CHECK(first.type == type_publish);
  CHECK(second.url == first.url);
  CHECK(second.param.starts_with("{"));
  CHECK(test_clock::now() - begin > milliseconds{500});
}

}  // namespace plugins_test
