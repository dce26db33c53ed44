// Giving up root.
#pragma once

#include <string>

namespace vsoad {

/// Becomes `user`, its group and its supplementary groups for good: every thread of the process,
/// and all of real, effective and saved. Call it when all privileged ports are bound. Empty, or the
/// user that we are already: nothing is done.
/// @return  empty, or why it failed; then the process may be in between, and must end
std::string become_user(const std::string& user);

}  // namespace vsoad
