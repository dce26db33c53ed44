// Where the control socket usually is.
#pragma once

#include <string>

namespace vsoad::control {

inline constexpr const char* usual_directory = "/run/vsoad";

/// control.sock in the first of $RUNTIME_DIRECTORY, which systemd sets for a unit; else in
/// usual_directory.
std::string usual_socket();

}  // namespace vsoad::control
