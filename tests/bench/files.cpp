#include "files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "sockets.hpp"

namespace bench {

temporary_folder::temporary_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "vsoa_bench.XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) fail_errno("mkdtemp");
  path_ = name;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::filesystem::path& from) {
  std::ostringstream text;
  text << std::ifstream(from).rdbuf();
  return text.str();
}

void redirect_output(const std::filesystem::path& to) {
  const int fd = ::open(to.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0 || ::dup2(fd, STDOUT_FILENO) < 0 || ::dup2(fd, STDERR_FILENO) < 0)
    fail_errno("redirect the log");
}

}  // namespace bench
