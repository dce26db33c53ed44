// What the watch tells of the plugin directories.
#include "plugin_host/directory_watch.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <filesystem>
#include <fstream>

#include "scratch.hpp"
#include "wait.hpp"

namespace directory_watch_test {

using namespace vsoa_test;
using vsoad::directory_watch;

bool tells(directory_watch& watch, milliseconds bound = patience) {
  const deadline until(bound);
  for (;;) {
    pollfd p{watch.native_handle(), POLLIN, 0};
    if (::poll(&p, 1, until.left()) <= 0) return false;
    if (watch.take_events()) return true;
  }
}

/// Until nothing more comes.
void settle(directory_watch& watch) {
  while (tells(watch, quiet)) {
  }
}

TEST_CASE("files that come, change and go") {
  const scratch dir;
  directory_watch watch;
  watch.set_directories({dir.path()});
  CHECK_FALSE(watch.take_events());
  dir.write("a.so", "x");
  CHECK(tells(watch));
  settle(watch);
  dir.write("a.so", "y");
  CHECK(tells(watch));
  settle(watch);
  std::filesystem::rename(dir.file("a.so"), dir.file("b.so"));
  CHECK(tells(watch));
  settle(watch);
  std::filesystem::permissions(dir.file("b.so"), std::filesystem::perms::owner_read);
  CHECK(tells(watch));
  settle(watch);
  std::filesystem::remove(dir.file("b.so"));
  CHECK(tells(watch));
}

TEST_CASE("a file is unfinished while it is being written") {
  const scratch dir;
  directory_watch watch;
  watch.set_directories({dir.path()});
  {
    std::ofstream file(dir.file("a.so"));
    file << "half" << std::flush;
    settle(watch);
    CHECK(watch.is_being_written(dir.file("a.so")));
    CHECK_FALSE(watch.is_being_written(dir.file("b.so")));
  }
  CHECK(tells(watch));
  CHECK_FALSE(watch.is_being_written(dir.file("a.so")));
}

TEST_CASE("a directory that does not exist yet is waited for") {
  const scratch dir;
  const std::string wanted = dir.file("one/two");
  directory_watch watch;
  watch.set_directories({wanted});
  std::filesystem::create_directory(dir.file("one"));
  CHECK(tells(watch));
  std::filesystem::create_directory(wanted);
  CHECK(tells(watch));
  settle(watch);
  std::ofstream(wanted + "/a.so") << "x";
  CHECK(tells(watch));
  settle(watch);
  std::filesystem::remove_all(dir.file("one"));
  CHECK(tells(watch));
  settle(watch);
  std::filesystem::create_directories(wanted);
  CHECK(tells(watch));
  settle(watch);
  std::ofstream(wanted + "/a.so") << "x";
  CHECK(tells(watch));
}

TEST_CASE("other directories from now on") {
  const scratch first, second;
  directory_watch watch;
  watch.set_directories({first.path()});
  watch.set_directories({second.path()});
  settle(watch);
  first.write("a.so", "x");
  CHECK_FALSE(tells(watch, quiet));
  second.write("a.so", "x");
  CHECK(tells(watch));
}

}  // namespace directory_watch_test
