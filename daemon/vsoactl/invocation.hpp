// One use of a command: what was written behind its name, understood.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/variables_map.hpp>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "output.hpp"
#include "vsoa/connect_options.hpp"

namespace vsoad::ctl {

/// The command line is wrong. what() says how, without the program's name.
struct usage_error : std::runtime_error {
  using runtime_error::runtime_error;
};

struct invocation {
  std::vector<std::string> words;  ///< what is no option
  boost::program_options::variables_map given;
  output out{false};
  vsoa::connect_options connect;  ///< by --password-file, --position, --timeout and those of TLS
  std::chrono::milliseconds timeout{10000};

  bool has(const char* option) const;
  /// Of an option with a text; empty: not given.
  std::string text(const char* option) const;
  /// Throw usage_error for what is not such a value or out of range.
  std::size_t number(const char* option, std::size_t fallback, std::size_t min,
                     std::size_t max) const;
  std::chrono::milliseconds duration(const char* option, std::chrono::milliseconds fallback,
                                     std::chrono::milliseconds min,
                                     std::chrono::milliseconds max) const;
};

/// "5s", "100ms", "2m"; throws usage_error that names `option`.
std::chrono::milliseconds parse_duration(std::string_view option, const std::string& text,
                                         std::chrono::milliseconds min,
                                         std::chrono::milliseconds max);

/// The bytes of a file; of standard input for "-". Throws std::runtime_error.
std::string read_file(const std::string& path);

/// Where in the command line the command is named, options before it skipped; the size: nowhere.
/// Throws usage_error for an option that no command has.
std::size_t command_position(const std::vector<std::string>& arguments);

/// Reads a command line without the command's name. Throws usage_error, and std::runtime_error for
/// a file that can't be read.
/// @param own  the options of this command alone
/// @param for_operators  it goes to the control socket, not to a VSOA server
invocation parse_invocation(const std::vector<std::string>& arguments,
                            const boost::program_options::options_description& own,
                            bool for_operators = false);

}  // namespace vsoad::ctl
