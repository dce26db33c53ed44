// The command line of vsoad.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <variant>

#include "vsoa/log.hpp"

namespace vsoad {

inline constexpr int exit_success = 0;
inline constexpr int exit_failure = 1;  ///< the configuration is wrong, or vsoad could not go on
inline constexpr int exit_usage = 2;    ///< the command line is wrong

struct options {
  enum class action { run, check, print_config };

  std::filesystem::path config = "/etc/vsoad.yaml";
  action what = action::run;
  std::optional<vsoa::log_level> log_level;  ///< instead of log.level
};

/// The command line is answered at once: --help, --version, or a mistake.
struct early_exit {
  int code = exit_success;
  std::string text;  ///< with its line ends; of code exit_success for standard output, else error
};

/// Never throws for what is in `argv`.
std::variant<options, early_exit> parse_options(int argc, const char* const* argv);

}  // namespace vsoad
