// What lies in the plugin directories: which file is which plugin's, and whether it is still the
// same.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "plugin_host/unique_fd.hpp"
#include "vsoa/log.hpp"

namespace vsoad {

/// A file was changed, or replaced by another, if this is another.
struct file_identity {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0;  ///< time of its contents
  std::int64_t changed_ns = 0;   ///< time of its owner and mode, too

  bool operator==(const file_identity&) const = default;
};

struct plugin_file {
  std::shared_ptr<unique_fd> directory;
  std::string path;
  file_identity identity;
};

struct catalogue {
  struct note {
    vsoa::log_level level;
    std::string text;
  };

  std::map<std::string, plugin_file> files;  ///< by the plugin's name, hence in its order
  std::vector<note> notes;                   ///< what else lies there, and which are not used
  /// Directories that may not be used, files that can't be plugins, and why, as path and reason.
  std::vector<std::pair<std::string, std::string>> refused;
  bool any_directory = false;
};

/// Looks through the directories; the first that has a name wins.
/// @param is_unfinished  of a path: then it is left out
catalogue look_through(const std::vector<std::string>& directories,
                       const std::function<bool(const std::string& path)>& is_unfinished = {});

}  // namespace vsoad
