// A Unix socket's place in the file system: taken from a dead process, never from a living one, and
// given back.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

namespace vsoad::control {

class socket_file {
 public:
  socket_file() = default;
  ~socket_file();  ///< remove()
  socket_file(const socket_file&) = delete;
  socket_file& operator=(const socket_file&) = delete;

  /// Binds at `path`, and listens. A socket at which nobody listens any more is replaced, in one
  /// step. Throws std::runtime_error, fit for the operator, if it can't be: somebody listens, what
  /// is there is no socket, the folder is missing, or not ours to write to.
  /// @param group  gets the file, if we may give it, and may connect then
  /// @return the socket, non-blocking; the caller's to close
  int listen(const std::string& path, std::optional<gid_t> group);
  /// Whether the file has got the group.
  bool has_group() const noexcept { return has_group_; }
  /// Removes the file, if it is still the one that listen() has made.
  void remove() noexcept;

 private:
  std::string path_;  // empty: there is none
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool has_group_ = false;
};

}  // namespace vsoad::control
