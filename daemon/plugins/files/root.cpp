#include "root.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <simdjson.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

#include "failure.hpp"

namespace files {
namespace {

constexpr std::size_t max_path_bytes = 4096;
constexpr std::size_t max_name_bytes = 255;
constexpr std::size_t max_entries = 100000;
constexpr std::string_view partial_end = ".part";
constexpr std::size_t max_uploaded_name_bytes = max_name_bytes - 1 - partial_end.size();

[[noreturn]] void fail(int error) {
  switch (error) {
    case ENOENT:
      throw failure(not_found, "no such file or directory");
    case ELOOP:    // a symbolic link
    case ENOTDIR:  // the same, or a file, where a directory must be
    case ENXIO:
    case EACCES:
    case EPERM:
    case EROFS:
      throw failure(status::no_permissions, "not allowed");
    case ENOSPC:
    case EDQUOT:
      throw failure(io_error, "no space left");
    default:
      throw failure(io_error, "input/output error");
  }
}

bool is_partial(std::string_view name) {
  return name.size() > partial_end.size() + 1 && name.front() == '.' &&
         name.substr(name.size() - partial_end.size()) == partial_end;
}

void check_name(std::string_view name) {
  if (name.empty() || name.size() > max_name_bytes || name == "." || name == ".." ||
      name.find('\0') != std::string_view::npos) {
    throw failure(status::arguments, "not a path below the root");
  }
}

unique_fd open_below(int directory, const std::string& name) {
  unique_fd fd(::openat(directory, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) fail(errno);
  return fd;
}

unique_fd same(int fd) {
  unique_fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) fail(errno);
  return copy;
}

entry to_entry(std::string name, const struct stat& s) {
  entry e;
  e.name = std::move(name);
  e.is_directory = S_ISDIR(s.st_mode);
  e.size = S_ISREG(s.st_mode) ? static_cast<std::uint64_t>(s.st_size) : 0;
  e.modified_ms = std::int64_t{s.st_mtim.tv_sec} * 1000 + s.st_mtim.tv_nsec / 1000000;
  return e;
}

struct close_directory {
  void operator()(DIR* d) const noexcept { ::closedir(d); }
};

}  // namespace

std::string partial_name(std::string_view name) {
  if (name.size() > max_uploaded_name_bytes) {
    throw failure(status::arguments, "the name is too long");
  }
  return "." + std::string(name) + std::string(partial_end);
}

root::root(const std::string& path)
    : directory_(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
  if (!directory_) throw std::system_error(errno, std::generic_category(), "root " + path);
}

place root::find(std::string_view path) const {
  if (path.size() > max_path_bytes) throw failure(status::arguments, "the path is too long");
  place p{same(directory_.get()), {}};
  for (;;) {
    const std::size_t end = path.find('/');
    const std::string_view name = path.substr(0, end);
    check_name(name);
    if (end == std::string_view::npos) {
      if (is_partial(name)) throw failure(status::no_permissions, "kept for uploads");
      p.name = name;
      return p;
    }
    p.directory = open_below(p.directory.get(), std::string(name));
    path.remove_prefix(end + 1);
  }
}

unique_fd root::open_directory(std::string_view path) const {
  if (path.empty()) return same(directory_.get());
  const place p = find(path);
  return open_below(p.directory.get(), p.name);
}

std::optional<entry> root::look(int directory, const std::string& name) {
  struct stat s {};
  if (::fstatat(directory, name.c_str(), &s, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};
    fail(errno);
  }
  if (!S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode)) {
    throw failure(status::no_permissions, "neither file nor directory");
  }
  return to_entry(name, s);
}

std::optional<entry> root::look_partial(const place& where) {
  if (where.name.size() > max_uploaded_name_bytes) return {};
  return look(where.directory.get(), partial_name(where.name));
}

// Looked at first: to open a device may do something.
unique_fd root::open_file(const place& where, entry& found) {
  const auto seen = look(where.directory.get(), where.name);
  if (!seen) fail(ENOENT);
  if (seen->is_directory) throw failure(status::no_permissions, "a directory");
  unique_fd fd(::openat(where.directory.get(), where.name.c_str(),
                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  struct stat s {};
  if (!fd || ::fstat(fd.get(), &s) != 0) fail(errno);
  if (!S_ISREG(s.st_mode)) throw failure(status::no_permissions, "not a file");
  found = to_entry(where.name, s);
  return fd;
}

unique_fd root::open_partial(const place& where, std::uint64_t begin) {
  if (const auto old = look(where.directory.get(), where.name); old && old->is_directory) {
    throw failure(status::no_permissions, "a directory");
  }
  const std::string name = partial_name(where.name);
  const auto partial = look(where.directory.get(), name);
  if (begin != 0 && (!partial || partial->size != begin)) {
    throw failure(wrong_offset, "as much is not there");
  }
  const int fresh = begin == 0 ? O_CREAT | O_TRUNC : 0;
  unique_fd fd(::openat(where.directory.get(), name.c_str(),
                        O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | fresh, 0644));
  struct stat s {};
  if (!fd || ::fstat(fd.get(), &s) != 0) fail(errno);
  if (!S_ISREG(s.st_mode)) throw failure(status::no_permissions, "not a file");
  return fd;
}

void root::complete(const place& where) {
  const std::string partial = partial_name(where.name);
  const int directory = where.directory.get();
  if (::renameat(directory, partial.c_str(), directory, where.name.c_str()) != 0) fail(errno);
  const unique_fd to_sync(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (to_sync) (void)::fsync(to_sync.get());
}

void root::discard_partial(const place& where) noexcept {
  try {
    (void)::unlinkat(where.directory.get(), partial_name(where.name).c_str(), 0);
  } catch (const std::exception&) {  // there is none of such a name
  }
}

std::vector<entry> root::list(std::string_view path) const {
  const unique_fd directory = open_directory(path);
  const int readable = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (readable < 0) fail(errno);
  const std::unique_ptr<DIR, close_directory> reading(::fdopendir(readable));
  if (!reading) fail(errno);
  std::vector<entry> found;
  while (const dirent* each = ::readdir(reading.get())) {
    const std::string name = each->d_name;
    struct stat s {};
    if (name == "." || name == ".." || is_partial(name) ||
        !simdjson::validate_utf8(name.data(), name.size()) ||
        ::fstatat(directory.get(), name.c_str(), &s, AT_SYMLINK_NOFOLLOW) != 0 ||
        (!S_ISREG(s.st_mode) && !S_ISDIR(s.st_mode))) {
      continue;
    }
    if (found.size() == max_entries) throw failure(too_large, "too many entries");
    found.push_back(to_entry(name, s));
  }
  std::sort(found.begin(), found.end(),
            [](const entry& a, const entry& b) { return a.name < b.name; });
  return found;
}

}  // namespace files
