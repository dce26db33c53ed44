#include "source.hpp"

#include <fcntl.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace vsoad::config {

namespace {

std::string system_message(int error) {
  return std::generic_category().message(error);
}

/// Appends what is left of a file, one byte more than `max_bytes` at most. Returns errno or 0.
int read_all(int descriptor, std::size_t max_bytes, std::string& out) {
  char buffer[16384];
  while (out.size() <= max_bytes) {
    const ssize_t count = ::read(descriptor, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return 0;
    out.append(buffer, static_cast<std::size_t>(count));
  }
  return 0;
}

}  // namespace

file_content read_file(const std::string& path, std::size_t max_bytes) {
  file_content out;
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) {
    out.problem = "can't be read: " + system_message(errno);
    return out;
  }
  struct stat info {};
  if (::fstat(descriptor, &info) == 0 && S_ISDIR(info.st_mode)) {
    out.problem = "can't be read: " + system_message(EISDIR);
  } else if (const int error = read_all(descriptor, max_bytes, out.text); error != 0) {
    out.problem = "can't be read: " + system_message(error);
  } else if (out.text.size() > max_bytes) {
    out.problem = "is larger than " + std::to_string(max_bytes) + " bytes";
  }
  ::close(descriptor);
  out.world_readable = (info.st_mode & S_IROTH) != 0;
  if (!out.problem.empty()) out.text.clear();
  return out;
}

std::string relative_to(const std::string& from, const std::string& path) {
  return (std::filesystem::path(from).parent_path() / path).string();
}

std::optional<std::vector<std::string>> glob_files(const std::string& pattern) {
  if (pattern.find_first_of("*?[") == std::string::npos) return {{pattern}};
  std::vector<std::string> out;
  ::glob_t found{};
  // Of a folder that is not there nothing is included; of one that can't be read something may be
  // missed.
  const auto stop_unless_missing = [](const char*, int error) {
    return error == ENOENT || error == ENOTDIR ? 0 : 1;
  };
  const int result = ::glob(pattern.c_str(), 0, stop_unless_missing, &found);
  for (std::size_t i = 0; result == 0 && i < found.gl_pathc; ++i)
    out.emplace_back(found.gl_pathv[i]);
  ::globfree(&found);
  if (result != 0 && result != GLOB_NOMATCH) return {};
  return out;
}

std::optional<std::string> environment_variable(const load_options& options,
                                                const std::string& name) {
  if (options.environment) return options.environment(name);
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return {};
  return value;
}

}  // namespace vsoad::config
