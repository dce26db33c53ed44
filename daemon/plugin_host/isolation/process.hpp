// The process of one isolated plugin: how it is started, and how it has ended.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "plugin_host/unique_fd.hpp"

namespace vsoad::isolation {

/// Our ends, and who is at the others.
struct process {
  pid_t pid = 0;
  unique_fd pidfd;  ///< readable once it has ended
  unique_fd control, host;
  std::vector<unique_fd> channels;  ///< one for each loop

  /// Starts `program` with the descriptors of control.hpp, and nothing else of ours.
  /// @param code  what it is to map
  /// @param reason  why not
  static std::optional<process> start(const std::string& program, int code, std::size_t loops,
                                      std::string& reason);

  void kill() const noexcept;
  /// Once pidfd tells: takes the process away, with what it has started and left in its group, and
  /// says how it ended.
  std::string reap() const;
  /// What it uses for itself, in bytes; 0: not known.
  std::uint64_t memory() const;
};

/// Where vsoad-plugin is: beside this program, as in a build tree, else where it is installed.
std::string find_program();

}  // namespace vsoad::isolation
