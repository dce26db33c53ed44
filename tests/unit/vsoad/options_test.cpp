#include <doctest/doctest.h>

#include <ostream>
#include <vector>

#include "vsoad/options.hpp"
#include "vsoad/version.hpp"

namespace options_test {

using vsoad::early_exit;
using vsoad::options;

std::variant<options, early_exit> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "vsoad");
  return vsoad::parse_options(static_cast<int>(arguments.size()), arguments.data());
}

options good(std::vector<const char*> arguments) {
  const auto result = parse(std::move(arguments));
  REQUIRE(std::holds_alternative<options>(result));
  return std::get<options>(result);
}

early_exit over(std::vector<const char*> arguments) {
  const auto result = parse(std::move(arguments));
  REQUIRE(std::holds_alternative<early_exit>(result));
  return std::get<early_exit>(result);
}

TEST_CASE("without options") {
  const options o = good({});
  CHECK(o.config == "/etc/vsoad.yaml");
  CHECK(o.what == options::action::run);
  CHECK_FALSE(o.log_level);
}

TEST_CASE("each option") {
  CHECK(good({"--config", "a.yaml"}).config == "a.yaml");
  CHECK(good({"--config=b.yaml"}).config == "b.yaml");
  CHECK(good({"--check"}).what == options::action::check);
  CHECK(good({"--print-config"}).what == options::action::print_config);
  CHECK(good({"--log-level", "warning"}).log_level == vsoa::log_level::warning);
  CHECK(good({"--log-level=trace", "--check", "--config", "c"}).log_level ==
        vsoa::log_level::trace);
}

TEST_CASE("help and version") {
  const early_exit help = over({"--help"});
  CHECK(help.code == 0);
  for (const char* option : {"--config FILE", "--check", "--print-config", "--log-level LEVEL",
                             "--version", "--help", "Exit codes"}) {
    CAPTURE(option);
    CHECK(help.text.find(option) != std::string::npos);
  }
  const early_exit version = over({"--version"});
  CHECK(version.code == 0);
  CHECK(version.text.starts_with("vsoad " + std::string(vsoad::version()) + "\ncommit "));
  for (const char* library : {"Boost 1.", "yaml-cpp 0.", "simdjson ", "OpenSSL 3.", "spdlog 1."}) {
    CAPTURE(library);
    CHECK(version.text.find(library) != std::string::npos);
  }
}

TEST_CASE("mistakes are named, exit code 2") {
  struct mistake {
    std::vector<const char*> arguments;
    std::string text;
  };
  const std::vector<mistake> table{
      {{"--chek"}, "unknown option \"--chek\" (did you mean \"--check\"?)"},
      {{"--conf", "x"}, "unknown option \"--conf\" (did you mean \"--config\"?)"},
      {{"--zzzzzzzz"}, "unknown option \"--zzzzzzzz\""},
      {{"-c", "x"}, "unknown option \"-c\""},
      {{"file.yaml"}, "not an option: \"file.yaml\"; to name the file, write --config FILE"},
      {{"--config"}, "\"--config\" needs an argument"},
      {{"--config="}, "\"--config\" needs an argument"},
      {{"--config", ""}, "--config needs the path of a file"},
      {{"--check=yes"}, "\"--check\" takes no argument"},
      {{"--config", "a", "--config", "b"}, "\"--config\" is given twice"},
      {{"--check", "--print-config"}, "--check and --print-config: one at a time, please"},
      {{"--log-level", "warn"},
       "--log-level \"warn\": write trace, debug, info, warning or error (did you mean "
       "\"warning\"?)"},
      {{"--log-level", "\n"}, "--log-level \"\\x0a\": write trace, debug, info, warning or error"},
  };
  for (const mistake& m : table) {
    const early_exit e = over(m.arguments);
    CHECK(e.code == 2);
    CHECK(e.text == "vsoad: " + m.text + "\nTry \"vsoad --help\".\n");
  }
}

}  // namespace options_test
