// Tells when files come into the plugin directories, change there, or go; and which of them
// somebody is still writing. A directory that does not exist yet is waited for. By inotify; not
// thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "plugin_host/unique_fd.hpp"

namespace vsoad {

class directory_watch {
 public:
  /// Throws std::system_error: no inotify to be had.
  directory_watch();

  /// Watches these from now on, and nothing else.
  void set_directories(const std::vector<std::string>& directories);

  /// Readable when take_events() has something to take.
  int native_handle() const noexcept { return inotify_.get(); }
  /// Takes what has happened. Does not block.
  /// @return whether it may concern plugins: look at the directories
  bool take_events();
  /// Whether this file has been written to and not been closed since. One that was being written
  /// before the directory was watched is not known.
  bool is_being_written(const std::string& path) const { return written_.count(path) != 0; }

 private:
  struct watched {
    std::string path;
    bool is_parent = false;  // of one that does not exist
  };

  bool watch(const std::string& path, bool is_parent);
  void watch_parent(std::string path);
  bool take(int id, std::uint32_t events, const std::string& name);
  void renew();

  unique_fd inotify_;
  std::vector<std::string> directories_;
  std::map<int, watched> watches_;
  std::set<std::string> written_;  // paths
};

}  // namespace vsoad
