// vsoactl reload: vsoad reads its configuration again.

#include "command.hpp"
#include "order.hpp"

namespace vsoad::ctl {
namespace reload {

namespace po = boost::program_options;

constexpr std::string_view help = R"(Usage: vsoactl reload [--plan]

Has vsoad read its configuration again, and waits until it is in force. If anything is wrong with it,
that is printed as "vsoad --check" does, the configuration of before stays in force, and the exit code
is 1. What takes a restart is named on standard error.

  --plan  only say what would change
)";

void add_options(po::options_description& o) {
  o.add_options()("plan", po::bool_switch());
}

void show(const answer_view& a, const output& out) {
  const auto changes = a.texts("changes");
  for (const auto& line : changes)
    out.line(line);
  const auto restart = a.texts("needs_restart");
  for (const auto& line : restart)
    output::complain("takes a restart: " + line);
  for (const auto& line : a.texts("problems"))
    output::complain(line);
  if (changes.empty() && restart.empty()) out.line("nothing has changed");
}

int run(const invocation& use) {
  check_words(use, 0, 0, "");
  // What ends calls and plugins may take its time.
  invocation patient = use;
  if (use.given.count("timeout") == 0) patient.timeout = std::chrono::seconds(60);
  order what{"reload"};
  if (use.has("plan")) what.arguments.emplace_back("plan", true);
  return carry_out(patient, what, show);
}

}  // namespace reload

const command reload_command{.name = "reload",
                             .summary = "have vsoad read its configuration again",
                             .help = reload::help,
                             .add_options = reload::add_options,
                             .run = reload::run,
                             .is_operators = true};

}  // namespace vsoad::ctl
