// Any line at all is a request or is told why not; what is answered is a JSON object on one line.
#include <simdjson.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "control/operations.hpp"

namespace {

using namespace vsoad::control;

// Says all that it is told, so that whatever text comes in goes out again.
struct parrot final : operations {
  outcome say(json_writer& out, std::string_view text) {
    out.field("said", text);
    return {};
  }
  outcome status(json_writer& out) override { return say(out, "status"); }
  outcome services(json_writer& out) override { return say(out, "services"); }
  outcome clients(json_writer& out, const std::string& service, std::size_t limit) override {
    if (limit < 1 || limit > 1'000'000) std::abort();
    return say(out, service);
  }
  outcome plugins(json_writer& out) override { return say(out, "plugins"); }
  outcome topics(json_writer& out, const std::string& service, std::size_t) override {
    return say(out, service);
  }
  outcome reload(json_writer&, bool) override { return failure{code::failed, "no", {"a", "b"}}; }
  outcome log_level(json_writer& out, vsoa::log_level least) override {
    if (least < vsoa::log_level::trace || least > vsoa::log_level::error) std::abort();
    return say(out, "log");
  }
  outcome disconnect(json_writer& out, const std::string& client) override {
    return say(out, client);
  }
  outcome restart_plugin(json_writer&, const std::string& name) override {
    return failure{code::not_found, name};
  }
};

void check(const std::string& line) {
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  bool ok = false;
  if (line.find('\n') != std::string::npos || parser.parse(line).get(object) != simdjson::SUCCESS ||
      object["ok"].get(ok) != simdjson::SUCCESS) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = parse_request({reinterpret_cast<const char*>(data), size});
  if (const auto* wrong = std::get_if<failure>(&read)) {
    check(failure_text(*wrong));
    return 0;
  }
  parrot daemon;
  check(answer(daemon, std::get<request>(read)));
  return 0;
}
