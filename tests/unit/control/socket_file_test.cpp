#include "control/socket_file.hpp"

#include <doctest/doctest.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

#include "control/peer.hpp"

namespace socket_file_test {

using namespace vsoad::control;

struct folder {
  folder() {
    path = (std::filesystem::temp_directory_path() / "vsoa-control-XXXXXX").string();
    REQUIRE(::mkdtemp(path.data()) != nullptr);
  }
  ~folder() { std::filesystem::remove_all(path); }
  std::string socket() const { return path + "/control.sock"; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path), {}));
  }
  std::string path;
};

std::string why_not(const std::string& path) {
  socket_file file;
  try {
    ::close(file.listen(path, {}));
  } catch (const std::runtime_error& e) {
    return e.what();
  }
  return {};
}

bool can_connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool good = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return good;
}

mode_t mode(const std::string& path) {
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return info.st_mode & 07777U;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("the socket is its owner's, and its group's if there is one; it goes with its owner") {
  const folder f;
  {
    socket_file file;
    const int fd = file.listen(f.socket(), {});
    CHECK(mode(f.socket()) == 0600);
    CHECK(!file.has_group());
    CHECK(can_connect(f.socket()));
    ::close(fd);
  }
  CHECK(f.files() == 0);
  socket_file file;
  const int fd = file.listen(f.socket(), ::getegid());
  CHECK(mode(f.socket()) == 0660);
  CHECK(file.has_group());
  ::close(fd);
}

TEST_CASE("a dead process's socket is replaced, a living one's is not") {
  const folder f;
  socket_file first;
  const int fd = first.listen(f.socket(), {});
  CHECK(contains(why_not(f.socket()), "another program answers there"));
  CHECK(can_connect(f.socket()));
  ::close(fd);
  CHECK(!can_connect(f.socket()));
  socket_file second;
  const int other = second.listen(f.socket(), {});
  CHECK(can_connect(f.socket()));
  // The file is no longer the first's to remove.
  first.remove();
  CHECK(can_connect(f.socket()));
  ::close(other);
  second.remove();
  CHECK(f.files() == 0);
}

TEST_CASE("what is no socket stays, and mistakes have a remedy") {
  const folder f;
  std::ofstream(f.socket()) << "precious";
  CHECK(contains(why_not(f.socket()), "something else than a socket"));
  CHECK(std::filesystem::file_size(f.socket()) == 8);
  std::filesystem::remove(f.socket());
  std::filesystem::create_symlink(f.path + "/elsewhere", f.socket());
  CHECK(contains(why_not(f.socket()), "something else than a socket"));
  CHECK(contains(why_not(f.path + "/no/such"), "make its folder"));
  CHECK(contains(why_not(f.path + '/' + std::string(100, 'x')), "too long"));
  CHECK(f.files() == 1);
}

TEST_CASE("who is at the other end, and whether it may") {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const auto who = peer_of(ends[0]);
  REQUIRE(who);
  CHECK(who->pid == ::getpid());
  CHECK(who->user == ::geteuid());
  REQUIRE(!who->groups.empty());
  CHECK(who->groups.front() == ::getegid());
  ::close(ends[0]);
  ::close(ends[1]);
  const uid_t nobody = 65534 == ::geteuid() ? 65533 : 65534;
  CHECK(may_command({1, 0, {0}}, {}));
  CHECK(may_command({1, ::geteuid(), {}}, {}));
  CHECK(!may_command({1, nobody, {7, 8}}, {}));
  CHECK(!may_command({1, nobody, {7, 8}}, gid_t{9}));
  CHECK(may_command({1, nobody, {7, 8}}, gid_t{8}));
  CHECK(contains(refusal({1, 77, {}}, "operators"), "user 77 may not"));
  CHECK(contains(refusal({1, 77, {}}, "operators"), "the group \"operators\""));
}

TEST_CASE("groups are found by name and by number") {
  CHECK(find_group("root") == gid_t{0});
  CHECK(find_group("4711") == gid_t{4711});
  CHECK(!find_group("no such group"));
  CHECK(!find_group(""));
  CHECK(is_local_group("root"));
  CHECK(!is_local_group("roo"));
  CHECK(!is_local_group("root:"));
  CHECK(!is_local_group("no such group"));
}

}  // namespace socket_file_test
