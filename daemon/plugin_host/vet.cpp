#include "plugin_host/vet.hpp"

#include <fcntl.h>

#include <cerrno>
#include <system_error>

namespace vsoad {
namespace {

std::string system_message(int error) {
  return std::generic_category().message(error);
}

std::string owner_problem(const struct stat& attributes, uid_t daemon) {
  if (attributes.st_uid == 0 || attributes.st_uid == daemon) return {};
  return "owned by user " + std::to_string(attributes.st_uid) +
         ", neither root nor the daemon's own user " + std::to_string(daemon);
}

}  // namespace

std::string file_problem(const struct stat& attributes, uid_t daemon) {
  if (!S_ISREG(attributes.st_mode)) return "not a regular file";
  if (auto problem = owner_problem(attributes, daemon); !problem.empty()) return problem;
  if ((attributes.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "writable by group or others";
  if (attributes.st_size <= 0) return "the file is empty";
  if (static_cast<std::uint64_t>(attributes.st_size) > max_plugin_bytes) {
    return "larger than 64 MiB";
  }
  return {};
}

std::string directory_problem(const struct stat& attributes, uid_t daemon) {
  if (!S_ISDIR(attributes.st_mode)) return "not a directory";
  if (auto problem = owner_problem(attributes, daemon); !problem.empty()) return problem;
  // Who may rename in the directory may put another file in the place of a good one.
  const bool sticky = (attributes.st_mode & S_ISVTX) != 0;
  if ((attributes.st_mode & S_IWOTH) != 0 && !sticky) return "writable by everyone";
  if ((attributes.st_mode & S_IWGRP) != 0 && attributes.st_gid != 0 && !sticky) {
    return "writable by group " + std::to_string(attributes.st_gid);
  }
  return {};
}

unique_fd open_directory(const std::string& path, std::string& reason, bool& missing) {
  unique_fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  missing = !fd && errno == ENOENT;
  struct stat attributes {};
  if (!fd || ::fstat(fd.get(), &attributes) != 0) {
    reason = system_message(errno);
    return {};
  }
  reason = directory_problem(attributes, ::geteuid());
  return reason.empty() ? std::move(fd) : unique_fd{};
}

unique_fd open_file(int directory, const std::string& file, std::uint64_t& size,
                    std::string& reason) {
  // O_NONBLOCK: opening a FIFO must not hang; it means nothing for regular files.
  unique_fd fd(::openat(directory, file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct stat attributes {};
  if (!fd || ::fstat(fd.get(), &attributes) != 0) {
    reason = errno == ELOOP ? "a symbolic link" : system_message(errno);
    return {};
  }
  reason = file_problem(attributes, ::geteuid());
  if (!reason.empty()) return {};
  size = static_cast<std::uint64_t>(attributes.st_size);
  return fd;
}

}  // namespace vsoad
