// vsoactl plugins, plugin restart: the plugins of vsoad.

#include <chrono>

#include "command.hpp"
#include "config/diagnostic.hpp"
#include "order.hpp"
#include "table.hpp"
#include "text.hpp"

namespace vsoad::ctl {
namespace plugins {

constexpr std::string_view plugins_help = R"(Usage: vsoactl plugins

Lists the plugins that vsoad has found, what became of them, and what went wrong with their calls:
those deferred now; refused, as too many waited; over their time; callbacks that kept an event loop.
Below are the reasons of failures, the processes of isolated plugins, and what plugins count
themselves.
)";

constexpr std::string_view plugin_help = R"(Usage: vsoactl plugin restart NAME

Starts a plugin anew. The new one starts first; the one of before is stopped when its calls have
ended, or goes on if the new one fails.
)";

void add_options(boost::program_options::options_description&) {}

std::string process_text(const answer_view& process) {
  const std::uint64_t pid = process.number("pid");
  std::string out = pid == 0 ? "no process" : "process " + std::to_string(pid);
  if (pid != 0)
    out += " since " + process.text("since") + ", " + short_bytes(process.number("memory_bytes"));
  out += ", started again " + grouped(process.number("restarts")) + " times";
  const std::string last_exit = process.text("last_exit");
  return last_exit.empty() ? out : out + "; ended last: " + last_exit;
}

void show_plugins(const answer_view& a, const output& out) {
  table all({"PLUGIN", "VERSION", "STATE", ">COMMANDS", ">DEFERRED", ">REFUSED", ">TIMEOUTS",
             ">STALLS", "ISOLATION", "FILE"});
  const auto plugins = a.objects("plugins");
  for (const answer_view& p : plugins) {
    all.row({p.text("name"), p.text("version"), p.text("state"),
             std::to_string(p.texts("commands").size()), grouped(p.number("calls_deferred")),
             grouped(p.number("calls_refused")), grouped(p.number("calls_timed_out")),
             grouped(p.number("stalls")), p.text("isolation"), p.text("file")});
  }
  if (plugins.empty()) {
    out.line("no plugins");
  } else {
    all.print(out);
  }
  for (const answer_view& p : plugins) {
    if (p.has("reason")) out.line(p.text("name") + ": " + p.text("reason"));
  }
  for (const answer_view& p : plugins) {
    if (p.has("process")) out.line(p.text("name") + ": " + process_text(p.object("process")));
  }
  for (const answer_view& p : plugins) {
    for (const auto& [name, value] : p.numbers("metrics"))
      out.line(p.text("name") + ' ' + name + ' ' + value);
  }
}

int run_plugins(const invocation& use) {
  check_words(use, 0, 0, "");
  return carry_out(use, {"plugins"}, show_plugins);
}

void show_restarted(const answer_view& a, const output& out) {
  out.line("plugin " + a.text("restarted") + " is restarted");
}

int run_plugin(const invocation& use) {
  check_words(use, 2, 2, "\"restart NAME\"");
  if (use.words.front() != "restart")
    throw usage_error(config::in_quotes(use.words.front()) + ": write \"restart NAME\"");
  // The one of before is waited for, as at a reload.
  invocation patient = use;
  if (use.given.count("timeout") == 0) patient.timeout = std::chrono::seconds(60);
  return carry_out(patient, {"plugin restart", {{"name", use.words.back()}}}, show_restarted);
}

}  // namespace plugins

const command plugins_command{.name = "plugins",
                              .summary = "the plugins of vsoad, and how they are",
                              .help = plugins::plugins_help,
                              .add_options = plugins::add_options,
                              .run = plugins::run_plugins,
                              .is_operators = true};

const command plugin_command{.name = "plugin",
                             .summary = "restart a plugin",
                             .help = plugins::plugin_help,
                             .add_options = plugins::add_options,
                             .run = plugins::run_plugin,
                             .is_operators = true};

}  // namespace vsoad::ctl
