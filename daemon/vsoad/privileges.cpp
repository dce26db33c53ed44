#include "privileges.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <system_error>
#include <vector>

namespace vsoad {

namespace {

struct identity {
  uid_t user = 0;
  gid_t group = 0;
};

std::string failed(const std::string& user, const std::string& step, int error) {
  return "can't become user \"" + user + "\": " + step + ": " +
         std::generic_category().message(error);
}

/// Nothing: no such user (then `error` is 0), or the user database failed.
std::optional<identity> find_user(const std::string& name, int& error) {
  std::vector<char> buffer(1024);
  passwd entry{};
  passwd* found = nullptr;
  for (;;) {
    error = ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error != ERANGE || buffer.size() > (1U << 20)) break;
    buffer.resize(buffer.size() * 2);
  }
  if (found == nullptr) return {};
  return identity{entry.pw_uid, entry.pw_gid};
}

bool is_all(const identity& who) {
  uid_t real_user = 0, effective_user = 0, saved_user = 0;
  gid_t real_group = 0, effective_group = 0, saved_group = 0;
  return ::getresuid(&real_user, &effective_user, &saved_user) == 0 &&
         ::getresgid(&real_group, &effective_group, &saved_group) == 0 && real_user == who.user &&
         effective_user == who.user && saved_user == who.user && real_group == who.group &&
         effective_group == who.group && saved_group == who.group;
}

/// Tries what an attacker would. Nobody but root may get back here.
bool can_regain_root() {
  return ::setuid(0) == 0 || ::seteuid(0) == 0 || ::setgid(0) == 0 || ::setegid(0) == 0;
}

}  // namespace

std::string become_user(const std::string& user) {
  if (user.empty()) return {};
  int error = 0;
  const std::optional<identity> who = find_user(user, error);
  if (!who) {
    if (error != 0) return failed(user, "user database", error);
    return "can't become user \"" + user + "\": no such user; create it or change runtime.user";
  }
  if (::geteuid() != 0) {
    if (::getuid() == who->user && ::geteuid() == who->user) return {};
    return "can't become user \"" + user +
           "\": not started as root; start vsoad as root or as that user, or remove runtime.user";
  }
  if (who->user == 0) return {};  // asked to stay root
  // Groups first: afterwards we may no longer.
  if (::initgroups(user.c_str(), who->group) != 0) return failed(user, "initgroups", errno);
  if (::setresgid(who->group, who->group, who->group) != 0) return failed(user, "setresgid", errno);
  if (::setresuid(who->user, who->user, who->user) != 0) return failed(user, "setresuid", errno);
  if (!is_all(*who) || (who->group != 0 && can_regain_root())) {
    return "can't become user \"" + user + "\": root could be had again";
  }
  return {};
}

}  // namespace vsoad
