#include "control/peer.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>

#include "config/diagnostic.hpp"

namespace vsoad::control {
namespace {

// The kernel says how many there are if there are more than fit.
bool add_supplementary_groups(int socket, std::vector<gid_t>& into) {
  std::vector<gid_t> groups(64);
  for (;;) {
    auto bytes = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int failed = ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &bytes);
    if (failed != 0 && errno != ERANGE) return false;
    groups.resize(bytes / sizeof(gid_t));
    if (failed != 0) continue;
    into.insert(into.end(), groups.begin(), groups.end());
    return true;
  }
}

}  // namespace

std::optional<peer> peer_of(int socket) {
  ucred known{};
  socklen_t bytes = sizeof known;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &known, &bytes) != 0) return {};
  peer out{known.pid, known.uid, {known.gid}};
  if (!add_supplementary_groups(socket, out.groups)) return {};
  return out;
}

std::optional<gid_t> find_group(const std::string& name) {
  gid_t number = 0;
  const char* const end = name.data() + name.size();
  const auto read = std::from_chars(name.data(), end, number);
  if (read.ec == std::errc{} && read.ptr == end) return number;
  std::vector<char> buffer(1024);
  for (;;) {
    group entry{};
    group* found = nullptr;
    const int error = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr) return found->gr_gid;
    if (error != ERANGE || buffer.size() > (1U << 20)) return {};
    buffer.resize(buffer.size() * 2);
  }
}

bool is_local_group(const std::string& name) {
  std::ifstream file("/etc/group");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name) && line.substr(name.size(), 1) == ":") return true;
  }
  return false;
}

bool may_command(const peer& who, std::optional<gid_t> group) {
  if (who.user == 0 || who.user == ::geteuid()) return true;
  return group && std::find(who.groups.begin(), who.groups.end(), *group) != who.groups.end();
}

std::string refusal(const peer& who, const std::string& group) {
  std::string out = "user " + std::to_string(who.user) + " may not: root and the user of vsoad";
  if (!group.empty()) out += ", and members of the group " + config::in_quotes(group) + ",";
  return out + " may";
}

}  // namespace vsoad::control
