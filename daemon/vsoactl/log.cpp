// vsoactl log: how much vsoad logs.

#include "command.hpp"
#include "order.hpp"

namespace vsoad::ctl {
namespace log {

constexpr std::string_view help = R"(Usage: vsoactl log LEVEL

Sets the least severe messages that vsoad logs, until its next reload or its end: trace, debug, info,
warning or error.
)";

void add_options(boost::program_options::options_description&) {}

void show(const answer_view& a, const output& out) {
  out.line("log level " + a.text("level") + ", was " + a.text("before"));
}

int run(const invocation& use) {
  check_words(use, 1, 1, "LEVEL: trace, debug, info, warning or error;");
  return carry_out(use, {"log", {{"level", use.words.front()}}}, show);
}

}  // namespace log

const command log_command{.name = "log",
                          .summary = "set how much vsoad logs",
                          .help = log::help,
                          .add_options = log::add_options,
                          .run = log::run,
                          .is_operators = true};

}  // namespace vsoad::ctl
