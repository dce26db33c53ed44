#include "control/socket_path.hpp"

#include <cstdlib>

namespace vsoad::control {

std::string usual_socket() {
  const char* const set = std::getenv("RUNTIME_DIRECTORY");
  std::string directory = set != nullptr ? set : "";
  directory = directory.substr(0, directory.find(':'));  // there may be several
  return (directory.empty() ? usual_directory : directory) + "/control.sock";
}

}  // namespace vsoad::control
