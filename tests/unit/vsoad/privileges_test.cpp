#include <doctest/doctest.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ostream>
#include <string>

#include "vsoad/privileges.hpp"

namespace privileges_test {

using vsoad::become_user;

/// The exit code of `body` in a child: what it does to the process can't be undone.
template <typename Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST_CASE("nothing to do") {
  CHECK(become_user("").empty());
  const passwd* me = ::getpwuid(::geteuid());
  REQUIRE(me != nullptr);
  CHECK(become_user(me->pw_name).empty());
}

TEST_CASE("no such user") {
  CHECK(become_user("no-such-user-here") ==
        "can't become user \"no-such-user-here\": no such user; create it or change runtime.user");
}

TEST_CASE("root becomes another user for good") {
  if (::geteuid() != 0) return;
  CHECK(in_child([] {
          if (!become_user("nobody").empty()) return 1;
          const passwd* nobody = ::getpwnam("nobody");
          if (::getuid() != nobody->pw_uid || ::getegid() != nobody->pw_gid) return 2;
          if (::setuid(0) == 0 || ::setgid(0) == 0) return 3;
          gid_t groups[64];
          const int count = ::getgroups(64, groups);
          for (int i = 0; i < count; ++i) {
            if (groups[i] == 0) return 4;
          }
          // Again: already there. Another: no longer.
          if (!become_user("nobody").empty()) return 5;
          return become_user("daemon").find("not started as root") == std::string::npos ? 6 : 0;
        }) == 0);
}

}  // namespace privileges_test
