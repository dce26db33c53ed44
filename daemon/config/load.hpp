// From /etc/vsoad.yaml to a configuration, or to everything that is wrong with it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config.hpp"
#include "diagnostic.hpp"
#include "document.hpp"
#include "source.hpp"

namespace vsoad::config {

struct load_result {
  std::optional<configuration> config;  ///< nothing when there is any error
  node_ptr document;  ///< with every default; print_yaml() prints it. Null with errors
  std::vector<diagnostic> diagnostics;  ///< errors and warnings by file, line and column

  bool ok() const noexcept { return config.has_value(); }
};

/// Reads a file and those it includes. Never throws.
load_result load(const std::filesystem::path& file, const load_options& options = {}) noexcept;

/// The same of a text. Messages call it `name`; includes and !file are relative to that.
load_result load_text(std::string_view name, std::string_view text,
                      const load_options& options = {}) noexcept;

/// One thing that is different between two configurations.
struct difference {
  enum class kind { added, removed, changed };

  std::string path;  ///< "runtime.threads", "services[cabin].limits.clients"
  kind what = kind::changed;
  bool needs_restart = false;  ///< a reload can't apply it
};
/// "services[cabin]: removed". Never shows a value.
std::string to_string(const difference& d);

/// Everything that is different, in the order of the manual; empty: they say the same, in whatever
/// words. Both must have been loaded without errors.
std::vector<difference> differences(const load_result& now, const load_result& wanted);

}  // namespace vsoad::config
