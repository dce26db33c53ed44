#include "plugin_host/catalogue.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "plugin_host/descriptor.hpp"
#include "plugin_host/vet.hpp"

namespace vsoad {
namespace {

std::int64_t nanoseconds(const timespec& t) {
  return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

file_identity identity_of(int directory, const std::string& file) {
  struct stat s {};
  if (::fstatat(directory, file.c_str(), &s, AT_SYMLINK_NOFOLLOW) != 0) return {};
  return {s.st_dev, s.st_ino, static_cast<std::uint64_t>(s.st_size), nanoseconds(s.st_mtim),
          nanoseconds(s.st_ctim)};
}

class listing {
 public:
  // A descriptor of its own, because closedir() closes it.
  explicit listing(int directory) {
    unique_fd fd(::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd) entries_ = ::fdopendir(fd.get());
    if (entries_ != nullptr) (void)fd.release();
  }
  ~listing() {
    if (entries_ != nullptr) ::closedir(entries_);
  }
  listing(const listing&) = delete;
  listing& operator=(const listing&) = delete;

  explicit operator bool() const noexcept { return entries_ != nullptr; }
  const dirent* next() noexcept { return ::readdir(entries_); }

 private:
  DIR* entries_ = nullptr;
};

void look_at(const std::string& file, const std::string& where,
             const std::shared_ptr<unique_fd>& directory,
             const std::function<bool(const std::string&)>& is_unfinished, catalogue& result) {
  using vsoa::log_level;
  const std::string path = where + "/" + file;
  const std::string name =
      file.substr(0, file.size() - std::min(file.size(), plugin_suffix.size()));
  if (!std::string_view(file).ends_with(plugin_suffix)) {
    result.notes.push_back(
        {log_level::debug, "plugin directory: " + path + " is skipped: not a .so"});
  } else if (!is_plugin_name(name)) {
    const std::string reason =
        "its name is not one for a plugin, which is small letters, digits, \"-\" and \"_\"";
    result.notes.push_back({log_level::warning, "plugin " + path + " is not served: " + reason});
    result.refused.emplace_back(path, reason);
  } else if (is_unfinished && is_unfinished(path)) {
    result.notes.push_back({log_level::debug, "plugin " + path + " is still being written"});
  } else {
    const auto [there, added] = result.files.try_emplace(
        name, plugin_file{directory, path, identity_of(directory->get(), file)});
    if (added) return;
    result.notes.push_back({log_level::debug, "plugin directory: " + path + " is skipped: " +
                                                  there->second.path + " comes first"});
  }
}

void look_into(const std::string& path,
               const std::function<bool(const std::string&)>& is_unfinished, catalogue& result) {
  std::string reason;
  bool missing = false;
  auto directory = std::make_shared<unique_fd>(open_directory(path, reason, missing));
  if (!*directory) {
    result.notes.push_back({missing ? vsoa::log_level::info : vsoa::log_level::warning,
                            "plugin directory " + path + " is not used: " + reason});
    if (!missing) result.refused.emplace_back(path, reason);
    return;
  }
  listing entries(directory->get());
  if (!entries) {
    result.notes.push_back(
        {vsoa::log_level::warning, "plugin directory " + path + " can't be read"});
    return;
  }
  result.any_directory = true;
  while (const dirent* entry = entries.next()) {
    const std::string file(entry->d_name);
    if (file != "." && file != "..") look_at(file, path, directory, is_unfinished, result);
  }
}

}  // namespace

catalogue look_through(const std::vector<std::string>& directories,
                       const std::function<bool(const std::string&)>& is_unfinished) {
  catalogue result;
  for (const auto& directory : directories)
    look_into(directory, is_unfinished, result);
  if (!result.any_directory) {
    result.notes.push_back(
        {vsoa::log_level::warning, "no plugin directory can be used: no plugins"});
  }
  return result;
}

}  // namespace vsoad
