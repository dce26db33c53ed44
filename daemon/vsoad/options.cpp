#include "options.hpp"

#include <array>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/variables_map.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/suggest.hpp"
#include "version.hpp"

namespace vsoad {

namespace {

namespace po = boost::program_options;

constexpr std::array<std::pair<std::string_view, vsoa::log_level>, 5> levels{
    {{"trace", vsoa::log_level::trace},
     {"debug", vsoa::log_level::debug},
     {"info", vsoa::log_level::info},
     {"warning", vsoa::log_level::warning},
     {"error", vsoa::log_level::error}}};

constexpr std::string_view help_text =
    R"(Usage: vsoad [--config FILE] [--log-level LEVEL]
       vsoad --check | --print-config [--config FILE]

Serves VSOA: commands of plugins, publish and subscribe, and a position server.

  --config FILE      read FILE instead of /etc/vsoad.yaml; see vsoad.yaml(5)
  --check            check the configuration, print all that is wrong with it, and exit
  --print-config     print the configuration with its defaults filled in, and exit;
                     passwords are masked
  --log-level LEVEL  trace, debug, info, warning or error, instead of log.level
  --version          print the version of vsoad and of what it is built with, and exit
  --help             print this text, and exit

Exit codes:
  0  all is well
  1  the configuration is wrong, or vsoad could not start or go on; the reason is logged
  2  the command line is wrong

Signals: TERM and INT end it, calls in flight are answered first, a second
one ends the waiting. HUP has it read the configuration again, with all files
that it names; vsoactl reload does the same, and says what came of it.
)";

po::options_description known_options() {
  po::options_description out;
  out.add_options()("config", po::value<std::string>())("check", po::bool_switch())(
      "print-config", po::bool_switch())("log-level", po::value<std::string>())(
      "version", po::bool_switch())("help", po::bool_switch());
  return out;
}

early_exit mistake(const std::string& what) {
  return {exit_usage, "vsoad: " + what + "\nTry \"vsoad --help\".\n"};
}

std::vector<std::string_view> option_names() {
  return {"--config", "--check", "--print-config", "--log-level", "--version", "--help"};
}

/// What Boost found, in our words: its own differ from one mistake to the next.
early_exit explain(const po::error& e) {
  if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&e)) {
    const std::string name = unknown->get_option_name();
    // "--chek" is near to "--check"; the hint reads as it is typed.
    std::string hint = config::did_you_mean(name, option_names());
    return mistake("unknown option " + config::in_quotes(name) + hint);
  }
  if (const auto* option = dynamic_cast<const po::error_with_option_name*>(&e)) {
    const std::string name = config::in_quotes(option->get_option_name());
    if (dynamic_cast<const po::multiple_occurrences*>(&e) != nullptr) {
      return mistake(name + " is given twice");
    }
    if (dynamic_cast<const po::invalid_command_line_syntax*>(&e) != nullptr) {
      const auto kind = static_cast<const po::invalid_command_line_syntax&>(e).kind();
      const bool missing = kind == po::invalid_syntax::missing_parameter ||
                           kind == po::invalid_syntax::empty_adjacent_parameter;
      return mistake(name + (missing ? " needs an argument" : " takes no argument"));
    }
  }
  return mistake(config::shown(e.what()));
}

std::variant<options, early_exit> interpret(const po::variables_map& given) {
  const auto flag = [&](const char* name) { return given[name].as<bool>(); };
  if (flag("help")) return early_exit{exit_success, std::string(help_text)};
  if (flag("version")) return early_exit{exit_success, version_text()};
  if (flag("check") && flag("print-config")) {
    return mistake("--check and --print-config: one at a time, please");
  }
  options out;
  if (flag("check")) out.what = options::action::check;
  if (flag("print-config")) out.what = options::action::print_config;
  if (given.count("config") != 0) {
    out.config = given["config"].as<std::string>();
    if (out.config.empty()) return mistake("--config needs the path of a file");
  }
  if (given.count("log-level") == 0) return out;
  const std::string& wanted = given["log-level"].as<std::string>();
  std::vector<std::string_view> words;
  for (const auto& [word, level] : levels) {
    if (word == wanted) out.log_level = level;
    words.push_back(word);
  }
  if (out.log_level) return out;
  return mistake("--log-level " + config::in_quotes(wanted) + ": write " + config::one_of(words) +
                 config::did_you_mean(wanted, words));
}

}  // namespace

std::variant<options, early_exit> parse_options(int argc, const char* const* argv) {
  try {
    // No abbreviations: one that is clear today may not be with the next release.
    namespace style = po::command_line_style;
    const int dialect = style::allow_long | style::long_allow_adjacent | style::long_allow_next;
    const po::options_description known = known_options();
    const po::parsed_options parsed =
        po::command_line_parser(argc, argv).options(known).style(dialect).run();
    // Boost's own message does not say which argument it is about.
    for (const po::option& option : parsed.options) {
      if (option.position_key == -1) continue;
      const std::string argument = config::shown(option.value.front());
      if (argument.starts_with('-')) return mistake("unknown option \"" + argument + '"');
      return mistake("not an option: \"" + argument + "\"; to name the file, write --config FILE");
    }
    po::variables_map given;
    po::store(parsed, given);
    po::notify(given);
    return interpret(given);
  } catch (const po::error& e) {
    return explain(e);
  }
}

}  // namespace vsoad
