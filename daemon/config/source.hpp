// Reading the files that make up a configuration.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "diagnostic.hpp"

namespace vsoad::config {

struct load_options {
  bool allow_files = true;  ///< false: include and !file are errors, certificates are not looked at
  /// Value of an environment variable. Empty: that of this process.
  std::function<std::optional<std::string>(const std::string& name)> environment{};
};

struct file_content {
  std::string text;
  std::string problem;  ///< empty: all is well
  bool world_readable = false;
};

/// Reads a whole file of at most `max_bytes`. Never throws for what the file is.
file_content read_file(const std::string& path, std::size_t max_bytes);

/// `path` as seen from the folder of the file `from`.
std::string relative_to(const std::string& from, const std::string& path);

/// The files that a pattern names, sorted. A pattern without wildcards names itself, be it there or
/// not. Nothing: a folder can't be read.
std::optional<std::vector<std::string>> glob_files(const std::string& pattern);

std::optional<std::string> environment_variable(const load_options& options,
                                                const std::string& name);

}  // namespace vsoad::config
