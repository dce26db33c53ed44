#include "plugin_host/loader.hpp"

#include <doctest/doctest.h>
#include <link.h>

#include <algorithm>
#include <filesystem>

#include "plugin_host/catalogue.hpp"
#include "scratch.hpp"

namespace loader_test {

using namespace vsoa_test;
using namespace vsoad;

struct loaded {
  std::vector<std::unique_ptr<library>> libraries;
  std::vector<plugin_failure> failures;
  log_book log;

  explicit loaded(const std::vector<std::string>& directories) {
    const catalogue all = look_through(directories);
    for (const auto& note : all.notes)
      log.sink()(note.level, note.text);
    for (const auto& [path, reason] : all.refused)
      failures.push_back({path, reason});
    for (const auto& [name, file] : all.files) {
      std::string reason;
      auto library = load_library(file.directory->get(), file.path, name, reason);
      if (library != nullptr) {
        libraries.push_back(std::move(library));
      } else {
        failures.push_back({file.path, reason});
      }
    }
  }
  std::string names() const {
    std::string all;
    for (const auto& one : libraries)
      all += one->descriptor.name + " ";
    return all;
  }
  std::string reason(const std::string& file) const {
    for (const auto& one : failures) {
      if (one.file.ends_with("/" + file)) return one.reason;
    }
    return "(no failure)";
  }
};

/// Libraries that are mapped from private copies now.
int mapped_copies() {
  int count = 0;
  ::dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* counter) {
        if (std::string_view(info->dlpi_name).starts_with("/proc/self/fd/")) {
          ++*static_cast<int*>(counter);
        }
        return 0;
      },
      &count);
  return count;
}

TEST_CASE("a broken plugin is reported and the others load, in order of name") {
  const scratch dir;
  for (const char* name :
       {"probe", "good", "wrong-major", "short-descriptor", "other-name", "bad-url", "no-start",
        "no-command", "null-main", "no-entry", "undefined", "newer-minor", "fails"}) {
    dir.put(sample(name), name);
  }
  dir.write("text.so", "this is no library\n");
  dir.write("empty.so", "");
  dir.put(sample("other"), "other", 0775);
  const loaded result({dir.path()});

  CHECK(result.names() == "fails good newer-minor probe ");
  CHECK(result.reason("wrong-major.so") == "built for plugin ABI 9.1, this vsoad has 1.1");
  CHECK(result.reason("short-descriptor.so").find("states a size of 16 bytes") !=
        std::string::npos);
  CHECK(result.reason("other-name.so") ==
        "it names itself \"somebody\", which must equal its file's name");
  CHECK(result.reason("bad-url.so") == "its command 1 is not a valid URL");
  CHECK(result.reason("no-start.so") == "it has no start callback");
  CHECK(result.reason("no-command.so") == "it declares commands and has no command callback");
  CHECK(result.reason("null-main.so").find("returned NULL") != std::string::npos);
  CHECK(result.reason("no-entry.so").find("does not export") != std::string::npos);
  CHECK(result.reason("undefined.so").find("a_function_that_nobody_has") != std::string::npos);
  CHECK(result.reason("text.so") == "not an ELF file");
  CHECK(result.reason("empty.so") == "the file is empty");
  CHECK(result.reason("other.so") == "writable by group or others");
  CHECK(result.failures.size() == 12);
}

TEST_CASE("what the descriptor says is kept") {
  const scratch dir;
  dir.put(bundled("echo"), "echo");
  const loaded result({dir.path()});
  REQUIRE(result.libraries.size() == 1);
  const auto& d = result.libraries[0]->descriptor;
  CHECK(d.name == "echo");
  CHECK(d.version == "1.1");
  CHECK(d.commands == std::vector<std::string>{"/", "/echo", "/publish", "/stream"});
  CHECK(d.flags == (VSOA_PLUGIN_CONCURRENT | VSOA_PLUGIN_MOUNT_DEFAULT));
  CHECK((d.callbacks.datagram == nullptr));
  CHECK(result.libraries[0]->path() == dir.file("echo.so"));
}

TEST_CASE("the first directory that has a name wins; other names are skipped") {
  const scratch first, second;
  const auto wins = first.put(sample("good"), "good");
  second.put(sample("wrong-major"), "good");
  second.put(sample("other"), "other");
  second.put(sample("good"), "Good");
  second.put(sample("good"), "lib.good");
  second.write("README", "nothing");
  second.write(".so", "nothing");
  const loaded result({first.path(), first.file("none"), second.path()});
  CHECK(result.names() == "good other ");
  REQUIRE(result.failures.size() == 3);
  for (const auto& each : result.failures)
    CHECK(each.reason.starts_with("its name is not one for a plugin"));
  CHECK(result.libraries[0]->path() == wins);
  CHECK(result.log.count("comes first") == 1);
  CHECK(result.log.count("is skipped: not a .so") == 1);
  CHECK(result.log.count("its name is not one for a plugin") == 3);
}

TEST_CASE("a directory that others may write to is not used") {
  const scratch dir;
  dir.put(sample("good"), "good");
  std::filesystem::permissions(dir.path(), std::filesystem::perms::all);
  const loaded result({dir.path()});
  CHECK(result.libraries.empty());
  REQUIRE(result.failures.size() == 1);
  CHECK(result.failures[0].reason == "writable by everyone");
}

TEST_CASE("libraries are unmapped, and another under the same name is not taken for the first") {
  const scratch dir;
  for (const char* name : {"good", "sysinfo"}) {
    dir.put(name == std::string("good") ? sample(name) : bundled(name), name);
  }
  const int before = mapped_copies();
  for (int round = 0; round < 3; ++round) {
    const loaded result({dir.path()});
    REQUIRE(result.libraries.size() == 2);
    CHECK(mapped_copies() == before + 2);
  }
  CHECK(mapped_copies() == before);
  dir.put(sample("other"), "good");
  const loaded changed({dir.path()});
  CHECK(changed.reason("good.so").find("\"other\"") != std::string::npos);
}

TEST_CASE("a library that the linker keeps is left alone") {
  const scratch dir;
  dir.put(sample("probe"), "probe");  // has a unique symbol of libstdc++'s
  const int before = mapped_copies();
  { const loaded result({dir.path()}); }
  const loaded again({dir.path()});
  CHECK(again.names() == "probe ");
  CHECK(mapped_copies() >= before + 1);
}

TEST_CASE("names of plugins") {
  for (const char* good : {"a", "echo", "a-b_c9"})
    CHECK(is_plugin_name(good));
  for (const char* bad : {"", "A", "9a", "-a", "a.b", "a/b", "\xC3\xA4"}) {
    CHECK_FALSE(is_plugin_name(bad));
  }
  CHECK_FALSE(is_plugin_name(std::string(65, 'a')));
}

}  // namespace loader_test
