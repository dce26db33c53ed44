// The bundled plugin files: what it serves, what it refuses, and what it does when things go wrong.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "file.hpp"
#include "rig.hpp"
#include "stream_peers.hpp"

namespace files_plugin_test {

using namespace vsoa_test;
namespace fs = std::filesystem;

constexpr const char* sha256_of_abc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr int status_no_permissions = 5, not_found = 128, busy = 129, too_large = 130,
              wrong_offset = 131;

struct files_rig : rig {
  scratch outside;
  fs::path root{outside.path() + "/root"};

  explicit files_rig(const std::string& more = R"(,"writable":true)") : rig(1) {
    dir.put(bundled("files"), "files");
    fs::create_directories(root / "sub");
    write("abc", "abc");
    write("sub/deep", "deep");
    outside.write("secret", "secret");
    settings.settings["files"].config_json = R"({"root":")" + root.string() + "\"" + more + "}";
    settings.settings["files"].has_config = true;
    start();
  }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(root / name, std::ios::binary) << bytes;
  }
  packet ask(tcp_peer& client, const std::string& command, const std::string& param) const {
    return client.ask_for_reply(rpc(1, "/files/" + command, param));
  }
  /// All that a download brings.
  std::string download(tcp_peer& client, const std::string& param) const {
    const packet reply = ask(client, "download", param);
    CHECK(reply.status == status_success);
    tcp_peer stream({"127.0.0.1", reply.tunid});
    return read_to_end(stream);
  }
  /// What an upload says at the end.
  std::string upload(tcp_peer& client, const std::string& param, const std::string& bytes) const {
    const packet reply = ask(client, "upload", param);
    CHECK(reply.status == status_success);
    tcp_peer stream({"127.0.0.1", reply.tunid});
    stream.send(bytes);
    return read_to_end(stream);
  }
};

TEST_CASE("list and stat") {
  files_rig r;
  auto client = r.connect();
  const packet all = r.ask(client, "list", "");
  CHECK(all.param.starts_with(R"({"entries":[{"name":"abc","type":"file","size":3,"modified":)"));
  CHECK(all.param.find(R"({"name":"sub","type":"directory","modified":)") != std::string::npos);
  CHECK(all.param.ends_with(R"(],"more":false})"));
  CHECK(r.ask(client, "list", R"({"after":"abc"})").param.find("abc") == std::string::npos);
  CHECK(r.ask(client, "list", R"({"path":"sub"})").param.find("deep") != std::string::npos);
  CHECK(r.ask(client, "list", R"({"path":"none"})").status == not_found);
  CHECK(r.ask(client, "stat", "").param == R"({"type":"directory"})");
  CHECK(r.ask(client, "stat", R"({"path":"sub/deep"})").param.find("\"size\":4") !=
        std::string::npos);
  CHECK(r.ask(client, "stat", R"({"path":"abc","checksum":true})").param.find(sha256_of_abc) !=
        std::string::npos);
  for (int i = 0; i < 5000; ++i)
    r.write("sub/a name of some length, " + std::to_string(100000 + i) + " \\\"", "");
  const packet first = r.ask(client, "list", R"({"path":"sub"})");
  CHECK(first.param.ends_with(R"(],"more":true})"));
  CHECK(first.param.size() < 262000);
}

TEST_CASE("stat of names too long to be uploaded, and of a file that is being replaced") {
  files_rig r;
  auto client = r.connect();
  const std::string long_name(255, 'n');
  r.write(long_name, "abc");
  const std::string of_long = R"({"path":")" + long_name + "\"";
  CHECK(r.ask(client, "stat", of_long + "}").param.find("\"size\":3") != std::string::npos);
  CHECK(r.ask(client, "upload", of_long + R"(,"size":1})").status == status_arguments);
  CHECK(r.ask(client, "stat", R"({"path":")" + std::string(252, 'm') + "\"}").status == not_found);
  r.write(".abc.part", "12345");
  const std::string all = r.ask(client, "stat", R"({"path":"abc","checksum":true})").param;
  CHECK(all.starts_with(R"({"name":"abc","type":"file","size":3,"modified":)"));
  CHECK(all.ends_with(std::string(R"(,"partial":5,"sha256":")") + sha256_of_abc + "\"}"));
}

TEST_CASE("download: all, a part, resumed, nothing, large") {
  files_rig r;
  auto client = r.connect();
  const std::string large = pattern(0, (8U << 20) + 5);
  r.write("large", large);
  r.write("empty", "");
  CHECK(r.download(client, R"({"path":"abc"})") == "abc");
  CHECK(r.download(client, R"({"path":"abc","offset":1,"length":1})") == "b");
  CHECK(r.download(client, R"({"path":"abc","offset":3})").empty());
  CHECK(r.download(client, R"({"path":"empty"})").empty());
  CHECK(r.download(client, R"({"path":"large"})") == large);
  CHECK(r.download(client, R"({"path":"large","offset":4000000})") == large.substr(4000000));
  const packet reply = r.ask(client, "download", R"({"path":"abc","length":2,"checksum":true})");
  CHECK(reply.param.find(sha256_of_abc) != std::string::npos);
  CHECK(reply.param.ends_with(R"("offset":0,"length":2})"));
  CHECK(r.ask(client, "download", R"({"path":"abc","offset":4})").status == wrong_offset);
  CHECK(r.ask(client, "download", R"({"path":"none"})").status == not_found);
}

TEST_CASE("no path leads out, and nothing but files and directories is touched") {
  files_rig r;
  fs::create_symlink(r.outside.file("secret"), r.root / "link");
  fs::create_symlink(r.outside.path(), r.root / "way");
  fs::create_symlink("abc", r.root / "inner");
  fs::create_symlink("/dev/zero", r.root / "zero");
  fs::create_symlink(r.outside.file("secret"), r.root / ".new.part");
  REQUIRE(::mkfifo((r.root / "fifo").c_str(), 0600) == 0);
  auto client = r.connect();
  for (const char* path : {"../secret",
                           "..",
                           ".",
                           "/",
                           "//",
                           "/etc/passwd",
                           "sub/../../secret",
                           "sub/..",
                           "sub/../abc",
                           "./abc",
                           "sub//deep",
                           "sub/",
                           "abc/",
                           "abc/x",
                           "link",
                           "way",
                           "way/secret",
                           "inner",
                           "zero",
                           "fifo",
                           "new",
                           ".new.part",
                           "abc\\u0000",
                           "\\u0000",
                           "sub/\\u0000",
                           "way/..",
                           "way/../abc"}) {
    for (const char* command : {"list", "stat", "download", "upload"}) {
      CAPTURE(path);
      CAPTURE(command);
      if (std::string(path) == "new" && command != std::string("upload")) continue;
      const std::string size = command == std::string("upload") ? R"(,"size":1)" : "";
      const packet reply =
          r.ask(client, command, R"({"path":")" + std::string(path) + "\"" + size + "}");
      CHECK((reply.status == status_arguments || reply.status == status_no_permissions));
      CHECK(reply.tunid == 0);
      CHECK(reply.param.find("secret") == std::string::npos);
    }
  }
  CHECK(read_file(r.outside.file("secret")) == "secret");
  CHECK(r.ask(client, "list", "").param.find("link") == std::string::npos);
}

TEST_CASE("params that make no sense") {
  files_rig r;
  auto client = r.connect();
  for (const char* wrong : {"[]", "1", "{", R"({"path":1})", R"({"path":"abc","offset":-1})",
                            R"({"path":"abc","offset":1.5})", R"({"path":"abc","who":1})",
                            R"({"path":"abc","length":"2"})", R"({"path":"abc","sha256":"00"})",
                            R"({"path":"abc","offset":18446744073709551615})"}) {
    CAPTURE(wrong);
    CHECK(r.ask(client, "download", wrong).status == status_arguments);
  }
  CHECK(r.ask(client, "upload", R"({"path":"x"})").status == status_arguments);
  CHECK(r.ask(client, "upload", R"({"path":"x","size":1,"sha256":"zz"})").status ==
        status_arguments);
}

TEST_CASE("upload: written beside, renamed when complete") {
  files_rig r;
  auto client = r.connect();
  const std::string good = std::string(R"(,"sha256":")") + sha256_of_abc + "\"}";
  CHECK(r.upload(client, R"({"path":"sub/new","size":3)" + good, "abc") ==
        std::string(R"({"size":3,"sha256":")") + sha256_of_abc + "\"}");
  CHECK(read_file(r.root / "sub/new") == "abc");
  const std::string large = pattern(7, (8U << 20) + 3);
  CHECK(r.upload(client, R"({"path":"abc","size":)" + std::to_string(large.size()) + "}", large)
            .starts_with(R"({"size":8388611,"sha256":")"));
  CHECK(read_file(r.root / "abc") == large);
  CHECK(r.upload(client, R"({"path":"nothing","size":0})", "").starts_with(R"({"size":0)"));
  CHECK(fs::exists(r.root / "nothing"));
  CHECK(r.upload(client, R"({"path":"wrong","size":3)" + good, "abd") ==
        R"({"error":"the checksum is wrong"})");
  CHECK(r.upload(client, R"({"path":"more","size":3})", "abcd") ==
        R"({"error":"more bytes than announced"})");
  for (const char* name : {"wrong", ".wrong.part", "more", "sub/.new.part", ".abc.part"})
    CHECK_FALSE(fs::exists(r.root / name));
  CHECK(r.ask(client, "upload", R"({"path":"sub","size":1})").status == status_no_permissions);
  CHECK(r.ask(client, "upload", R"({"path":"no/x","size":1})").status == not_found);
}

TEST_CASE("an upload that breaks off is gone on with") {
  files_rig r;
  auto client = r.connect();
  const std::string bytes = pattern(0, 3U << 20);
  const std::string size = ",\"size\":" + std::to_string(bytes.size());
  {
    const packet reply = r.ask(client, "upload", R"({"path":"new")" + size + "}");
    tcp_peer stream({"127.0.0.1", reply.tunid});
    stream.send(bytes.substr(0, 1000000));
    CHECK(r.ask(client, "upload", R"({"path":"sub/../new")" + size + "}").status ==
          status_arguments);
    CHECK(r.ask(client, "upload", R"({"path":"new")" + size + "}").status == busy);
  }
  std::string state;
  CHECK(wait_until([&] {
    state = r.ask(client, "stat", R"({"path":"new"})").param;
    return state == R"({"type":"none","partial":1000000})";
  }));
  CAPTURE(state);
  const auto with_offset = [&](std::size_t offset) {
    return R"({"path":"new","offset":)" + std::to_string(offset) + size + "}";
  };
  // The first is let go of when its stream's end has been dealt with.
  CHECK(wait_until(
      [&] { return r.ask(client, "upload", with_offset(999999)).status == wrong_offset; }));
  CHECK(r.ask(client, "upload", with_offset(bytes.size() + 1)).status == wrong_offset);
  CHECK(r.upload(client, with_offset(1000000), bytes.substr(1000000)).starts_with("{\"size\":"));
  CHECK(read_file(r.root / "new") == bytes);
}

TEST_CASE("limits: read only, size, transfers at once") {
  SUBCASE("read only") {
    files_rig r("");
    auto client = r.connect();
    CHECK(r.ask(client, "upload", R"({"path":"x","size":1})").status == status_no_permissions);
    CHECK(r.download(client, R"({"path":"abc"})") == "abc");
  }
  SUBCASE("size and transfers") {
    files_rig r(R"(,"writable":true,"max_size":10,"transfers":2)");
    auto client = r.connect();
    CHECK(r.ask(client, "upload", R"({"path":"x","size":11})").status == too_large);
    r.write("large", std::string(32U << 20, 'x'));
    std::vector<tcp_peer> held;
    for (int i = 0; i < 2; ++i) {
      const packet reply = r.ask(client, "download", R"({"path":"large"})");
      CHECK(reply.status == status_success);
      held.emplace_back(endpoint{"127.0.0.1", reply.tunid});
    }
    CHECK(r.ask(client, "download", R"({"path":"abc"})").status == status_no_memory);
    held.clear();
    CHECK(wait_until([&] {
      return r.ask(client, "stat", R"({"path":"abc","checksum":true})").status == status_success;
    }));
  }
}

TEST_CASE("who neither takes nor sends loses the place to others") {
  files_rig r(R"(,"writable":true,"transfers":1,"idle_limit":1)");
  auto client = r.connect();
  const std::string wanted = R"({"path":"abc"})";
  std::vector<tcp_peer> held;
  SUBCASE("an upload") {
    const packet reply = r.ask(client, "upload", R"({"path":"x","size":4})");
    tcp_peer stream({"127.0.0.1", reply.tunid});
    stream.send("ab");
    CHECK(r.ask(client, "download", wanted).status == status_no_memory);
    CHECK(stream.wait_end() != ending::none);
    // What has come stays, to be gone on with.
    CHECK(wait_until([&] {
      return r.ask(client, "stat", R"({"path":"x"})").param == R"({"type":"none","partial":2})";
    }));
  }
  SUBCASE("a download") {
    r.write("large", std::string(32U << 20, 'x'));
    const packet reply = r.ask(client, "download", R"({"path":"large"})");
    held.emplace_back(endpoint{"127.0.0.1", reply.tunid});
    CHECK(r.ask(client, "download", wanted).status == status_no_memory);
  }
  CHECK(wait_until([&] { return r.ask(client, "download", wanted).status == status_success; }));
}

TEST_CASE("several at once, each its own bytes") {
  files_rig r;
  std::vector<std::jthread> all;
  for (unsigned i = 0; i < 4; ++i)
    r.write("f" + std::to_string(i), pattern(i * 1000, 4U << 20));
  for (unsigned i = 0; i < 4; ++i) {
    all.emplace_back([&r, i] {
      auto client = r.connect();
      const std::string name = std::to_string(i);
      CHECK(is_pattern(r.download(client, R"({"path":"f)" + name + "\"}"), i * 1000));
      const std::string bytes = pattern(i, 4U << 20);
      r.upload(client, R"({"path":"u)" + name + R"(","size":4194304})", bytes);
      CHECK(read_file(r.root / ("u" + name)) == bytes);
    });
  }
  for (auto& one : all)
    one.join();
}

TEST_CASE("it ends in the middle of transfers") {
  files_rig r;
  auto client = r.connect();
  r.write("large", std::string(32U << 20, 'x'));
  tcp_peer down({"127.0.0.1", r.ask(client, "download", R"({"path":"large"})").tunid});
  tcp_peer up({"127.0.0.1", r.ask(client, "upload", R"({"path":"new","size":99})").tunid});
  up.send("part");
  CHECK(read_raw(down, 1000).size() == 1000);
  r.host->stop();
  CHECK(r.log.count("does not return") == 0);
}

TEST_CASE("settings that make no sense keep it from running") {
  for (const char* wrong : {"{}", "[]", R"({"root":"relative"})", R"({"root":"/nowhere/at/all"})",
                            R"({"root":"/tmp","writable":1})", R"({"root":"/tmp","transfers":0})",
                            R"({"root":"/tmp","roots":1})"}) {
    CAPTURE(wrong);
    rig r(1);
    r.dir.put(bundled("files"), "files");
    r.settings.settings["files"].config_json = wrong;
    r.settings.settings["files"].has_config = true;
    r.start();
    CHECK(r.log.count("plugin files: does not start") == 1);
  }
}

}  // namespace files_plugin_test
