// The table of commands. A command is a file of its own, and a line in command.cpp.
#pragma once

#include <boost/program_options/options_description.hpp>
#include <span>
#include <string>
#include <string_view>

#include "invocation.hpp"

namespace vsoad::ctl {

struct command {
  std::string_view name;
  std::string_view summary;  ///< half a line, for the overview
  std::string_view help;     ///< usage, its own options, examples
  void (*add_options)(boost::program_options::options_description&);
  /// @return an exit_code. Throws usage_error, and std::runtime_error for files.
  int (*run)(const invocation&);
  bool is_operators = false;  ///< it goes to the control socket of vsoad
};

extern const command call_command;
extern const command sub_command;
extern const command datagram_command;
extern const command stream_command;
extern const command ping_command;
extern const command lookup_command;
extern const command bench_command;
extern const command status_command;
extern const command services_command;
extern const command clients_command;
extern const command plugins_command;
extern const command topics_command;
extern const command reload_command;
extern const command log_command;
extern const command disconnect_command;
extern const command plugin_command;

/// In the order of the overview.
std::span<const command* const> commands();
/// Null: there is none. "publish" is "datagram".
const command* find_command(std::string_view name);

std::string overview_text();
std::string help_text(const command& of);

}  // namespace vsoad::ctl
