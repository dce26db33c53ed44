#include "plugin_host/directory_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace vsoad {
namespace {

constexpr std::uint32_t of_files = IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE |
                                   IN_MOVED_TO | IN_MOVED_FROM | IN_ATTRIB | IN_DELETE_SELF |
                                   IN_MOVE_SELF;
constexpr std::uint32_t of_parents = IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;
constexpr std::uint32_t of_the_directory = IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT;

}  // namespace

directory_watch::directory_watch() : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (!inotify_) throw std::system_error(errno, std::system_category(), "inotify");
}

void directory_watch::set_directories(const std::vector<std::string>& directories) {
  directories_ = directories;
  renew();
}

// Watches of directories that stay are not touched: the kernel gives the same one again.
void directory_watch::renew() {
  std::map<int, watched> before;
  before.swap(watches_);
  for (const std::string& each : directories_) {
    if (watch(each, false)) continue;
    watch_parent(each);
    (void)watch(each, false);  // it may have come meanwhile
  }
  for (const auto& old : before) {
    if (watches_.count(old.first) == 0) (void)::inotify_rm_watch(inotify_.get(), old.first);
  }
  std::erase_if(written_, [this](const std::string& path) {
    const std::string directory = path.substr(0, path.rfind('/'));
    return std::find(directories_.begin(), directories_.end(), directory) == directories_.end();
  });
}

bool directory_watch::watch(const std::string& path, bool is_parent) {
  const std::uint32_t what = (is_parent ? of_parents : of_files) | IN_ONLYDIR | IN_MASK_ADD;
  const int id = ::inotify_add_watch(inotify_.get(), path.c_str(), what);
  if (id < 0) return false;
  const auto [there, added] = watches_.try_emplace(id, watched{path, is_parent});
  // One directory may be a plugin directory and the parent of another.
  if (!added && !is_parent) there->second = {path, false};
  return true;
}

// Of the nearest one that exists.
void directory_watch::watch_parent(std::string path) {
  for (;;) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return;
    path.resize(std::max<std::size_t>(slash, 1));
    if (watch(path, true) || path == "/") return;
  }
}

bool directory_watch::take_events() {
  alignas(inotify_event) std::array<char, 16384> buffer;
  bool concerns = false;
  bool renews = false;
  for (;;) {
    const ssize_t size = ::read(inotify_.get(), buffer.data(), buffer.size());
    if (size <= 0) break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      inotify_event event;
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* const name = buffer.data() + at + sizeof event;
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        written_.clear();
        concerns = renews = true;
        continue;
      }
      const auto found = watches_.find(event.wd);
      if (found == watches_.end()) continue;
      renews |= found->second.is_parent || (event.mask & of_the_directory) != 0;
      concerns |= take(event.wd, event.mask, event.len == 0 ? "" : name);
    }
  }
  if (renews) renew();
  return concerns || renews;
}

bool directory_watch::take(int id, std::uint32_t events, const std::string& name) {
  const watched& where = watches_.at(id);
  if (name.empty()) return true;
  const std::string path = where.path + '/' + name;
  if ((events & IN_MODIFY) != 0) {
    written_.insert(path);
    return false;  // its end will be told
  }
  if ((events & (IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)) != 0) {
    written_.erase(path);
  }
  return true;
}

}  // namespace vsoad
