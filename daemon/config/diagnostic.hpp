// What is wrong with a configuration, and where. Errors and warnings are collected, never thrown,
// so that all of them can be shown together.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace vsoad::config {

enum class severity { error, warning };

/// One finding. Lines and columns (in bytes) count from 1; line 0: the file as a whole.
struct diagnostic {
  severity level = severity::error;
  std::string file;
  std::size_t line = 0;
  std::size_t column = 0;
  std::string key;      ///< full path, "services[0].name"; empty for the file as a whole
  std::string message;  ///< what is wrong; what to do about it
};

/// One line, "FILE:LINE:COLUMN: KEY: message"; a warning says "warning: " before the key.
std::string to_string(const diagnostic& d);

/// Where something was written. `file` is an index into the report's files.
struct place {
  std::size_t file = 0;
  std::size_t line = 0;
  std::size_t column = 0;
};

/// Text from a file, fit for a message: control characters escaped, long ones cut.
std::string shown(std::string_view text);
/// The same between quotes.
std::string in_quotes(std::string_view text);

/// Collects findings. Beyond `max_findings` they are only counted: a file may be all wrong.
class report {
 public:
  static constexpr std::size_t max_findings = 1000;

  /// Makes a file known; the order of these calls is the order of the findings.
  std::size_t add_file(std::string name);
  const std::string& file(std::size_t index) const { return files_[index]; }

  void error(place at, std::string_view key, std::string message);
  void warning(place at, std::string_view key, std::string message);
  bool has_errors() const noexcept { return errors_ != 0; }
  /// Whether there is an error already about one of the keys below.
  bool has_error_below(std::string_view key) const;

  /// "FILE:LINE:COLUMN", for a finding that names two places.
  std::string where(place at) const;
  /// By file, line and column.
  std::vector<diagnostic> sorted() const;

 private:
  struct finding {
    severity level;
    place at;
    std::string key;
    std::string message;
  };
  void add(severity level, place at, std::string_view key, std::string message);

  std::vector<std::string> files_;
  std::vector<finding> findings_;
  std::size_t errors_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace vsoad::config
