// What the process of an isolated plugin gives up before it maps the plugin.
#pragma once

#include <cstdint>
#include <string>

namespace vsoad::isolation {

struct sandbox_limits {
  std::uint64_t memory = 0;  ///< bytes that the daemon allows; 0: no limit
  std::uint64_t files = 0;   ///< descriptors; 0: as they are
};

/// No new privileges; the kernel ends this process with the thread that has started it; limits;
/// what debugs, mounts, loads into the kernel, or signals other processes is refused with EPERM.
/// @return why not; empty: done
std::string enter_sandbox(const sandbox_limits& limits);

}  // namespace vsoad::isolation
