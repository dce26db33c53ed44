// Who is at the other end of a Unix socket, and whether it may give orders.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace vsoad::control {

/// A process, as the kernel knows it from the time when it connected.
struct peer {
  pid_t pid = 0;
  uid_t user = 0;
  std::vector<gid_t> groups;  ///< its own and the supplementary ones
};

/// Nothing: the kernel does not say.
std::optional<peer> peer_of(int socket);

/// A group by its name, or by its number. Nothing: there is none.
std::optional<gid_t> find_group(const std::string& name);

/// Whether /etc/group has this group, as it has those that packages make. What else knows of groups
/// is not asked: where none does, that alone would load a library or two for good.
bool is_local_group(const std::string& name);

/// Root, the user as whom this process runs, and the members of `group`, if any.
bool may_command(const peer& who, std::optional<gid_t> group);

/// Why a peer is sent away, for it to read.
std::string refusal(const peer& who, const std::string& group);

}  // namespace vsoad::control
