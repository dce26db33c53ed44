// vsoactl: finds the command, reads its options, runs it.

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "command.hpp"
#include "config/diagnostic.hpp"
#include "config/suggest.hpp"
#include "exit_code.hpp"
#include "vsoad/version.hpp"

namespace {

using namespace vsoad;
using namespace vsoad::ctl;

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int mistake(const std::string& what, std::string_view more) {
  output::complain(what);
  std::fprintf(stderr, "Try \"vsoactl%s%.*s --help\".\n", more.empty() ? "" : " ",
               static_cast<int>(more.size()), more.data());
  return exit_usage;
}

int unknown(const std::string& name) {
  std::vector<std::string_view> names;
  for (const command* c : commands())
    names.push_back(c->name);
  return mistake(
      "there is no command " + config::in_quotes(name) + config::did_you_mean(name, names), "");
}

int run(const command& chosen, const std::vector<std::string>& arguments) {
  boost::program_options::options_description own;
  chosen.add_options(own);
  const invocation use = parse_invocation(arguments, own, chosen.is_operators);
  if (use.has("help")) {
    print(help_text(chosen));
    return exit_ok;
  }
  return chosen.run(use);
}

int main_or_throw(const std::vector<std::string>& arguments) {
  if (arguments.empty()) {
    std::fputs(overview_text().c_str(), stderr);
    return exit_usage;
  }
  const std::string& first = arguments.front();
  if (first == "--version") {
    print("vsoactl " + std::string(version()) + " (" + std::string(commit()) + ")\n");
    return exit_ok;
  }
  if (first == "--help" || first == "help") {
    const command* about = arguments.size() > 1 ? find_command(arguments[1]) : nullptr;
    print(about != nullptr ? help_text(*about) : overview_text());
    return exit_ok;
  }
  std::size_t at = 0;
  try {
    at = command_position(arguments);
  } catch (const usage_error& e) {
    return mistake(e.what(), "");
  }
  if (at == arguments.size()) return mistake("which command? It is missing", "");
  const command* chosen = find_command(arguments[at]);
  if (chosen == nullptr) return unknown(arguments[at]);
  std::vector<std::string> rest = arguments;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(at));
  try {
    return run(*chosen, rest);
  } catch (const usage_error& e) {
    return mistake(std::string(chosen->name) + ": " + e.what(), chosen->name);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return main_or_throw({argv + (argc > 0 ? 1 : 0), argv + argc});
  } catch (const std::exception& e) {
    output::complain(e.what());
    return exit_refused;
  }
}
