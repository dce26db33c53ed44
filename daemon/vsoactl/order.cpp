#include "order.hpp"

#include "config/diagnostic.hpp"
#include "control/json_writer.hpp"
#include "control/request.hpp"
#include "control_socket.hpp"
#include "exit_code.hpp"
#include "text.hpp"

namespace vsoad::ctl {
namespace {

namespace dom = simdjson::dom;

std::string request_text(const order& what) {
  control::json_writer out;
  out.open_object();
  out.field("protocol", control::protocol_version);
  out.field("command", what.command);
  out.open_object("arguments");
  for (const auto& [name, value] : what.arguments)
    std::visit([&, key = std::string_view(name)](const auto& v) { out.field(key, v); }, value);
  return out.take();
}

int code_of(std::string_view failure) {
  if (failure == control::code::bad_request) return exit_usage;
  if (failure == control::code::denied) return exit_not_admitted;
  if (failure == control::code::busy) return exit_no_connection;
  return exit_refused;
}

// The problems stand as they are: for a configuration, as vsoad --check prints them.
int tell_failure(const order& what, const answer_view& error) {
  for (const auto& problem : error.texts("problems"))
    std::fprintf(stderr, "%s\n", problem.c_str());
  output::complain(what.command + ": " + error.text("message"));
  return code_of(error.text("code"));
}

}  // namespace

int carry_out(const invocation& use, const order& what,
              void (*show)(const answer_view& answer, const output& out)) {
  std::string line;
  try {
    line = ask_daemon(use, request_text(what));
  } catch (const control_error& e) {
    output::complain(e.what());
    return e.code;
  }
  dom::parser parser;
  dom::element whole;
  if (parser.parse(line).get(whole) != simdjson::SUCCESS || !whole.is_object()) {
    output::complain("what answers is no vsoad");
    return exit_no_connection;
  }
  const answer_view answer(whole);
  if (use.out.is_json()) use.out.line(line);
  if (!answer.flag("ok")) return tell_failure(what, answer.object("error"));
  if (!use.out.is_json()) show(answer, use.out);
  return exit_ok;
}

void check_words(const invocation& use, std::size_t least, std::size_t most, const char* what) {
  if (use.words.size() < least) throw usage_error(std::string(what) + " is missing");
  if (use.words.size() > most)
    throw usage_error("too many arguments, from " + config::in_quotes(use.words[most]) + " on");
}

// --- answer_view ---

dom::element answer_view::member(std::string_view name) const {
  dom::element out;
  if (object_.at_key(name).get(out) == simdjson::SUCCESS) return out;
  static dom::parser parser;
  static const dom::element nothing = parser.parse(std::string_view("null"));
  return nothing;
}

bool answer_view::has(std::string_view name) const {
  return !member(name).is_null();
}

std::string answer_view::text(std::string_view name) const {
  std::string_view out;
  return member(name).get(out) == simdjson::SUCCESS ? printable(out) : std::string();
}

std::uint64_t answer_view::number(std::string_view name) const {
  std::uint64_t out = 0;
  return member(name).get(out) == simdjson::SUCCESS ? out : 0;
}

bool answer_view::flag(std::string_view name) const {
  bool out = false;
  return member(name).get(out) == simdjson::SUCCESS && out;
}

answer_view answer_view::object(std::string_view name) const {
  return answer_view(member(name));
}

std::vector<answer_view> answer_view::objects(std::string_view name) const {
  std::vector<answer_view> out;
  dom::array all;
  if (member(name).get(all) != simdjson::SUCCESS) return out;
  for (const dom::element each : all)
    out.emplace_back(each);
  return out;
}

std::vector<std::string> answer_view::texts(std::string_view name) const {
  std::vector<std::string> out;
  dom::array all;
  if (member(name).get(all) != simdjson::SUCCESS) return out;
  for (const dom::element each : all) {
    std::string_view text;
    if (each.get(text) == simdjson::SUCCESS) out.push_back(printable(text));
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> answer_view::numbers(std::string_view name) const {
  std::vector<std::pair<std::string, std::string>> out;
  dom::object all;
  if (member(name).get(all) != simdjson::SUCCESS) return out;
  for (const auto& [key, value] : all)
    out.emplace_back(printable(key), simdjson::to_string(value));
  return out;
}

}  // namespace vsoad::ctl
