#include "plugin_host/vet.hpp"

#include <dlfcn.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "plugin_host/private_copy.hpp"
#include "scratch.hpp"

namespace vet_test {

using namespace vsoa_test;
using namespace vsoad;

struct stat attributes(mode_t mode, uid_t owner, off_t size = 100) {
  struct stat s {};
  s.st_mode = mode;
  s.st_uid = owner;
  s.st_size = size;
  return s;
}

constexpr uid_t daemon_user = 990;

std::string refusal(const scratch& dir, const std::string& file) {
  std::string reason;
  bool missing = false;
  const auto directory = open_directory(dir.path(), reason, missing);
  REQUIRE(directory);
  std::uint64_t size = 0;
  CHECK_FALSE(open_file(directory.get(), file, size, reason));
  return reason;
}

TEST_CASE("files: who may write to them") {
  CHECK(file_problem(attributes(S_IFREG | 0644, 0), daemon_user).empty());
  CHECK(file_problem(attributes(S_IFREG | 0755, daemon_user), daemon_user).empty());
  CHECK(file_problem(attributes(S_IFREG | 0644, 1000), daemon_user) ==
        "owned by user 1000, neither root nor the daemon's own user 990");
  CHECK(file_problem(attributes(S_IFREG | 0664, 0), daemon_user) == "writable by group or others");
  CHECK(file_problem(attributes(S_IFREG | 0646, 0), daemon_user) == "writable by group or others");
  CHECK(file_problem(attributes(S_IFDIR | 0755, 0), daemon_user) == "not a regular file");
  CHECK(file_problem(attributes(S_IFREG | 0644, 0, 0), daemon_user) == "the file is empty");
  CHECK(file_problem(attributes(S_IFREG | 0644, 0, 64 << 20), daemon_user).empty());
  CHECK(file_problem(attributes(S_IFREG | 0644, 0, (64 << 20) + 1), daemon_user) ==
        "larger than 64 MiB");
}

TEST_CASE("directories: who may write to them") {
  CHECK(directory_problem(attributes(S_IFDIR | 0755, 0), daemon_user).empty());
  CHECK(directory_problem(attributes(S_IFDIR | 0775, daemon_user), daemon_user).empty());
  struct stat shared = attributes(S_IFDIR | 0775, daemon_user);
  shared.st_gid = 50;
  CHECK(directory_problem(shared, daemon_user) == "writable by group 50");
  CHECK(directory_problem(attributes(S_IFDIR | 01777, 0), daemon_user).empty());
  CHECK(directory_problem(attributes(S_IFDIR | 0777, 0), daemon_user) == "writable by everyone");
  CHECK_FALSE(directory_problem(attributes(S_IFDIR | 0755, 1000), daemon_user).empty());
  CHECK(directory_problem(attributes(S_IFREG | 0644, 0), daemon_user) == "not a directory");
}

TEST_CASE("links, pipes and missing files are not opened") {
  const scratch dir;
  dir.put(sample("good"), "good");
  std::filesystem::create_symlink("good.so", dir.file("link.so"));
  REQUIRE(::mkfifo(dir.file("pipe.so").c_str(), 0644) == 0);
  CHECK(refusal(dir, "link.so") == "a symbolic link");
  CHECK(refusal(dir, "pipe.so") == "not a regular file");
  CHECK(refusal(dir, "none.so") == "No such file or directory");

  std::string reason;
  bool missing = false;
  CHECK_FALSE(open_directory(dir.file("none"), reason, missing));
  CHECK(missing);
  CHECK_FALSE(open_directory(dir.file("good.so"), reason, missing));
  CHECK_FALSE(missing);
}

TEST_CASE("a private copy does not change with its file") {
  const scratch dir;
  const auto path = dir.put(sample("good"), "good");
  const vsoad::unique_fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  const auto size = std::filesystem::file_size(path);
  std::string reason;
  private_copy copy = private_copy::make(file.get(), size, "good", reason);
  REQUIRE_MESSAGE(copy, reason);
  REQUIRE(copy.image().size() == size);
  const std::byte first = copy.image()[0];
  void* handle = ::dlopen(copy.path().c_str(), RTLD_NOW | RTLD_LOCAL);
  REQUIRE(handle != nullptr);
  copy.hide();

  REQUIRE(::ftruncate(file.get(), 0) == 0);  // as `cp` does
  CHECK(copy.image()[0] == first);
  CHECK(::dlsym(handle, "vsoa_plugin_main") != nullptr);
  ::dlclose(handle);
}

TEST_CASE("a file that changes its size while it is copied is refused") {
  const scratch dir;
  const auto path = dir.put(sample("good"), "good");
  const vsoad::unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto size = std::filesystem::file_size(path);
  for (const auto claimed : {size - 1, size + 1}) {
    std::string reason;
    CHECK_FALSE(private_copy::make(file.get(), claimed, "good", reason));
    CHECK(reason == "the file is being written to");
  }
}

}  // namespace vet_test
