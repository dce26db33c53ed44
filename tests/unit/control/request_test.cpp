#include "control/request.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include <string>

#include "control/operations.hpp"

namespace request_test {

using namespace vsoad::control;

request good(std::string_view line) {
  auto read = parse_request(line);
  REQUIRE(std::holds_alternative<request>(read));
  return std::get<request>(read);
}

std::string complaint(std::string_view line) {
  auto read = parse_request(line);
  CAPTURE(line);
  REQUIRE(std::holds_alternative<failure>(read));
  CHECK(std::get<failure>(read).code == "bad_request");
  return std::get<failure>(read).message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// Says what it is asked.
struct echo final : operations {
  outcome say(json_writer& out, std::string what) {
    out.field("asked", what);
    return {};
  }
  outcome status(json_writer& out) override { return say(out, "status"); }
  outcome services(json_writer& out) override { return say(out, "services"); }
  outcome clients(json_writer& out, const std::string& service, std::size_t limit) override {
    return say(out, "clients " + service + ' ' + std::to_string(limit));
  }
  outcome plugins(json_writer& out) override { return say(out, "plugins"); }
  outcome topics(json_writer& out, const std::string& service, std::size_t limit) override {
    return say(out, "topics " + service + ' ' + std::to_string(limit));
  }
  outcome reload(json_writer& out, bool plan_only) override {
    if (plan_only) return say(out, "plan");
    out.field("half", "an answer");
    return failure{code::failed, "no", {"a.yaml:1:2: x: wrong"}};
  }
  outcome log_level(json_writer& out, vsoa::log_level least) override {
    return say(out, "log " + std::to_string(static_cast<int>(least)));
  }
  outcome disconnect(json_writer& out, const std::string& client) override {
    return say(out, "disconnect " + client);
  }
  outcome restart_plugin(json_writer& out, const std::string& name) override {
    if (name == "throw") throw std::runtime_error("thrown");
    return say(out, "restart " + name);
  }
};

std::string ask(std::string_view line) {
  echo daemon;
  return answer(daemon, good(line));
}

std::string said(std::string_view what) {
  return R"({"protocol":1,"ok":true,"asked":")" + std::string(what) + "\"}";
}

TEST_CASE("a request is read") {
  CHECK(good(R"({"command":"status"})").command == "status");
  const request r = good(
      R"( {"protocol":1, "command":"clients", "arguments":{"service":"c\u00e4","limit":5,"f":true}} )"
      "\r");
  CHECK(r.command == "clients");
  CHECK(std::get<std::string>(r.arguments.at("service")) == "cä");
  CHECK(std::get<std::int64_t>(r.arguments.at("limit")) == 5);
  CHECK(std::get<bool>(r.arguments.at("f")));
}

TEST_CASE("what is no request is said to be none") {
  for (const char* line : {"", "status", "[]", "7", "{", R"({"command":"status"} x)", "\xff\xfe"})
    CHECK(contains(complaint(line), "not a JSON object"));
  CHECK(contains(complaint("{}"), "\"command\" is missing"));
  CHECK(contains(complaint(R"({"command":7})"), "must be a text"));
  CHECK(contains(complaint(R"({"command":"x","protocol":2})"), "version 1"));
  CHECK(contains(complaint(R"({"command":"x","protocol":"1"})"), "version 1"));
  CHECK(contains(complaint(R"({"command":"x","arguments":[]})"), "must be an object"));
  CHECK(contains(complaint(R"({"command":"x","arguments":{"a":1.5}})"), "\"a\""));
  CHECK(contains(complaint(R"({"command":"x","arguments":{"a":{}}})"), "\"a\""));
  CHECK(contains(complaint(R"({"command":"x","arguments":{"a":1,"a":2}})"), "twice"));
  CHECK(contains(complaint(R"({"command":"x","id":1})"), "no member \"id\""));
  CHECK(contains(complaint(std::string(10000, '[')), "not a JSON object"));
  const std::string large(max_request_bytes, 'x');
  CHECK(contains(complaint(R"({"command":")" + large + "\"}"), "not a JSON object"));
}

TEST_CASE("each command gets its arguments, and their defaults") {
  CHECK(ask(R"({"command":"status"})") == said("status"));
  CHECK(ask(R"({"command":"services"})") == said("services"));
  CHECK(ask(R"({"command":"clients"})") == said("clients  10000"));
  CHECK(ask(R"({"command":"clients","arguments":{"service":"a","limit":7}})") ==
        said("clients a 7"));
  CHECK(ask(R"({"command":"plugins"})") == said("plugins"));
  CHECK(ask(R"({"command":"topics"})") == said("topics  100"));
  CHECK(ask(R"({"command":"reload","arguments":{"plan":true}})") == said("plan"));
  CHECK(ask(R"({"command":"log","arguments":{"level":"warning"}})") == said("log 3"));
  CHECK(ask(R"({"command":"disconnect","arguments":{"client":"a/1"}})") == said("disconnect a/1"));
  CHECK(ask(R"({"command":"plugin restart","arguments":{"name":"p"}})") == said("restart p"));
}

TEST_CASE("what can't be carried out is a failure, and nothing of an answer") {
  CHECK(ask(R"({"command":"reload"})") ==
        R"({"protocol":1,"ok":false,"error":{"code":"failed","message":"no",)"
        R"("problems":["a.yaml:1:2: x: wrong"]}})");
  CHECK(contains(ask(R"({"command":"plugin restart","arguments":{"name":"throw"}})"), "thrown"));
  CHECK(contains(ask(R"({"command":"statsu"})"), R"(did you mean \"status\")"));
  CHECK(contains(ask(R"({"command":"status","arguments":{"x":1}})"), "no argument"));
  CHECK(contains(ask(R"({"command":"clients","arguments":{"limti":1}})"), R"(\"limit\")"));
  CHECK(contains(ask(R"({"command":"clients","arguments":{"limit":0}})"), "must be 1 to"));
  CHECK(contains(ask(R"({"command":"clients","arguments":{"limit":"1"}})"), "must be a number"));
  CHECK(contains(ask(R"({"command":"log","arguments":{"level":"inof"}})"), R"(\"info\")"));
  CHECK(contains(ask(R"({"command":"log"})"), "is missing"));
}

}  // namespace request_test
