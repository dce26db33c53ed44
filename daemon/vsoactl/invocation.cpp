#include "invocation.hpp"

#include <algorithm>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <system_error>

#include "config/diagnostic.hpp"
#include "config/suggest.hpp"
#include "config/values.hpp"

namespace vsoad::ctl {
namespace {

namespace po = boost::program_options;
using namespace std::chrono_literals;
using config::in_quotes;

po::options_description common_options() {
  po::options_description out;
  out.add_options()("json", po::bool_switch())("timeout", po::value<std::string>())(
      "help", po::bool_switch());
  return out;
}

// How to reach a VSOA server.
po::options_description network_options() {
  po::options_description out;
  out.add_options()("password-file", po::value<std::string>())(
      "position", po::value<std::string>())("tls", po::bool_switch())(
      "ca", po::value<std::string>())("cert", po::value<std::string>())(
      "key", po::value<std::string>())("key-password-file", po::value<std::string>())(
      "tls-host", po::value<std::string>())("insecure", po::bool_switch());
  return out;
}

// How to reach the control socket.
po::options_description control_options() {
  po::options_description out;
  out.add_options()("socket", po::value<std::string>());
  return out;
}

[[noreturn]] void explain(const po::error& e, const po::options_description& known) {
  if (const auto* unknown = dynamic_cast<const po::unknown_option*>(&e)) {
    const std::string name = unknown->get_option_name();
    std::vector<std::string> names;
    for (const auto& option : known.options())
      names.push_back(option->canonical_display_name(po::command_line_style::allow_long));
    const std::vector<std::string_view> views(names.begin(), names.end());
    throw usage_error("unknown option " + in_quotes(name) + config::did_you_mean(name, views));
  }
  if (const auto* option = dynamic_cast<const po::error_with_option_name*>(&e)) {
    const std::string name = in_quotes(option->get_option_name());
    if (dynamic_cast<const po::multiple_occurrences*>(&e) != nullptr)
      throw usage_error(name + " is given twice");
    if (const auto* syntax = dynamic_cast<const po::invalid_command_line_syntax*>(&e)) {
      const bool missing = syntax->kind() == po::invalid_syntax::missing_parameter ||
                           syntax->kind() == po::invalid_syntax::empty_adjacent_parameter;
      throw usage_error(name + (missing ? " needs an argument" : " takes no argument"));
    }
  }
  throw usage_error(config::shown(e.what()));
}

// A password is a line: what an editor adds to it is no part of it.
std::string read_password(const char* option, const std::string& path) {
  std::string text = read_file(path);
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  if (text.empty()) throw usage_error(std::string(option) + ": " + in_quotes(path) + " is empty");
  return text;
}

std::optional<vsoa::tls_options> tls_options_of(const invocation& use) {
  const auto given = [&use](const char* option) { return use.given.count(option) != 0; };
  if (given("key") && !given("cert")) throw usage_error("--key wants its --cert");
  if (given("key-password-file") && !given("cert"))
    throw usage_error("--key-password-file wants the --cert and the --key");
  bool wanted = use.has("tls") || use.has("insecure");
  for (const char* option : {"ca", "cert", "tls-host"})
    wanted = wanted || given(option);
  if (!wanted) return {};
  vsoa::tls_options tls;
  tls.identity.cert = use.text("cert");
  tls.identity.key = use.text("key");
  if (given("key-password-file"))
    tls.identity.key_password = read_password("--key-password-file", use.text("key-password-file"));
  tls.ca = use.text("ca");
  tls.default_cas = tls.ca.empty();
  tls.host = use.text("tls-host");
  if (use.has("insecure")) tls.verify = vsoa::tls_verify::none;
  tls.handshake_timeout = use.timeout;
  using option = vsoa::tls_problem::option;
  for (const auto& problem : vsoa::find_problems(tls, vsoa::tls_role::client)) {
    if (problem.is_warning) continue;
    const bool is_file = problem.where == option::cert || problem.where == option::key ||
                         problem.where == option::key_password || problem.where == option::ca;
    if (is_file) throw std::runtime_error(problem.message);
    throw usage_error(problem.message);
  }
  return tls;
}

void take_common(invocation& use) {
  use.out = output(use.has("json"));
  use.timeout = use.duration("timeout", 10s, 1ms, 24h);
}

void take_network(invocation& use) {
  use.connect.timeout = use.timeout;
  if (use.given.count("password-file") != 0)
    use.connect.password = read_password("--password-file", use.text("password-file"));
  use.connect.tls = tls_options_of(use);
  if (use.given.count("position") == 0) return;
  const auto server =
      vsoa::socket_address::parse(use.text("position"), vsoa::default_position_port);
  if (!server)
    throw usage_error("--position " + in_quotes(use.text("position")) +
                      ": write an address and a port, such as 127.0.0.1:3000");
  use.connect.position_servers = {*server};
}

}  // namespace

bool invocation::has(const char* option) const {
  return given.count(option) != 0 && given[option].as<bool>();
}

std::string invocation::text(const char* option) const {
  return given.count(option) != 0 ? given[option].as<std::string>() : std::string();
}

std::size_t invocation::number(const char* option, std::size_t fallback, std::size_t min,
                               std::size_t max) const {
  if (given.count(option) == 0) return fallback;
  config::value read;
  const auto type = config::integer(min, max);
  const auto wrong = config::parse_value(type, *config::make_scalar({}, text(option), false), read);
  if (wrong.empty()) return read.number;
  throw usage_error(std::string("--") + option + ' ' + in_quotes(text(option)) + ": write " +
                    config::type_phrase(type) + ", " + config::range_text(type));
}

std::chrono::milliseconds invocation::duration(const char* option,
                                               std::chrono::milliseconds fallback,
                                               std::chrono::milliseconds min,
                                               std::chrono::milliseconds max) const {
  if (given.count(option) == 0) return fallback;
  return parse_duration(std::string("--") + option, text(option), min, max);
}

std::chrono::milliseconds parse_duration(std::string_view option, const std::string& text,
                                         std::chrono::milliseconds min,
                                         std::chrono::milliseconds max) {
  config::value read;
  const auto type = config::duration(min, max);
  const auto wrong = config::parse_value(type, *config::make_scalar({}, text, false), read);
  if (wrong.empty()) return read.duration;
  throw usage_error(std::string(option) + ' ' + in_quotes(text) + ": write " +
                    config::type_phrase(type) + " such as 500ms, 5s or 2m, " +
                    config::range_text(type));
}

std::string read_file(const std::string& path) {
  if (path == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in.is_open() || in.bad())
    throw std::runtime_error("can't read " + in_quotes(path) + ": " +
                             std::generic_category().message(errno));
  return text;
}

std::size_t command_position(const std::vector<std::string>& arguments) {
  po::options_description known = common_options();
  known.add(network_options()).add(control_options());
  std::size_t at = 0;
  while (at < arguments.size() && arguments[at].starts_with('-')) {
    const std::string name = arguments[at].substr(0, arguments[at].find('='));
    const auto* option =
        name.starts_with("--") ? known.find_nothrow(name.substr(2), false) : nullptr;
    if (option == nullptr) explain(po::unknown_option(name), known);
    const bool takes_next = option->semantic()->max_tokens() != 0 && name == arguments[at];
    at += takes_next ? 2 : 1;
  }
  return std::min(at, arguments.size());
}

invocation parse_invocation(const std::vector<std::string>& arguments,
                            const po::options_description& own, bool for_operators) {
  po::options_description known = common_options();
  known.add(for_operators ? control_options() : network_options()).add(own);
  // Not "*": to Boost that is the beginning of every option.
  constexpr const char* words_key = "(words)";
  po::options_description all;
  all.add(known).add_options()(words_key, po::value<std::vector<std::string>>());
  po::positional_options_description rest;
  rest.add(words_key, -1);
  invocation use;
  try {
    // No abbreviations: one that is clear today may not be with the next release.
    namespace style = po::command_line_style;
    const int dialect = style::allow_long | style::long_allow_adjacent | style::long_allow_next;
    po::store(po::command_line_parser(arguments).options(all).positional(rest).style(dialect).run(),
              use.given);
    po::notify(use.given);
  } catch (const po::error& e) {
    explain(e, known);
  }
  if (use.given.count(words_key) != 0)
    use.words = use.given[words_key].as<std::vector<std::string>>();
  if (use.has("help")) return use;
  take_common(use);
  if (!for_operators) take_network(use);
  return use;
}

}  // namespace vsoad::ctl
