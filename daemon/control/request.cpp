#include "control/request.hpp"

#include <simdjson.h>

#include <optional>
#include <utility>

#include "config/diagnostic.hpp"
#include "control/json_writer.hpp"

namespace vsoad::control {
namespace {

namespace dom = simdjson::dom;
using config::in_quotes;

failure bad(std::string message) {
  return {code::bad_request, std::move(message)};
}

std::optional<argument> read_argument(dom::element value) {
  if (value.is_bool()) return argument(bool(value));
  if (value.is_int64()) return argument(std::int64_t(value));
  if (value.is_string()) return argument(std::string(std::string_view(value)));
  return {};
}

std::optional<failure> read_arguments(dom::element value, request& into) {
  dom::object arguments;
  if (value.get(arguments) != simdjson::SUCCESS) return bad("\"arguments\" must be an object");
  for (const auto& [name, each] : arguments) {
    auto read = read_argument(each);
    if (!read) {
      return bad("argument " + in_quotes(name) + " must be true, false, a whole number or a text");
    }
    if (!into.arguments.emplace(name, std::move(*read)).second)
      return bad("argument " + in_quotes(name) + " is there twice");
  }
  return {};
}

std::optional<failure> read_member(std::string_view name, dom::element value, request& into) {
  if (name == "arguments") return read_arguments(value, into);
  if (name == "command") {
    std::string_view command;
    if (value.get(command) != simdjson::SUCCESS) return bad("\"command\" must be a text");
    into.command = command;
    return {};
  }
  if (name != "protocol") return bad("a request has no member " + in_quotes(name));
  std::int64_t version = 0;
  if (value.get(version) == simdjson::SUCCESS && version == protocol_version) return {};
  return bad("this vsoad speaks version " + std::to_string(protocol_version) +
             " of the control protocol: use its own vsoactl");
}

}  // namespace

std::variant<request, failure> parse_request(std::string_view line) {
  dom::parser parser(max_request_bytes);
  dom::object members;
  if (line.size() > max_request_bytes ||
      parser.parse(line.data(), line.size()).get(members) != simdjson::SUCCESS) {
    return bad("not a JSON object on one line");
  }
  request out;
  for (const auto& [name, value] : members) {
    if (auto wrong = read_member(name, value, out)) return std::move(*wrong);
  }
  if (out.command.empty()) return bad("\"command\" is missing");
  return out;
}

std::string failure_text(const failure& why) {
  json_writer out;
  out.open_object();
  out.field("protocol", protocol_version);
  out.field("ok", false);
  out.open_object("error");
  out.field("code", why.code);
  out.field("message", why.message);
  if (!why.problems.empty()) {
    out.open_array("problems");
    for (const auto& problem : why.problems)
      out.item(problem);
  }
  return out.take();
}

}  // namespace vsoad::control
