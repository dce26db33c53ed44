#include "vsoactl/invocation.hpp"

#include <doctest/doctest.h>

#include "file.hpp"
#include "vsoactl/command.hpp"
#include "vsoactl/session.hpp"

namespace invocation_test {

using namespace vsoad::ctl;
using namespace std::chrono_literals;

invocation parsed(const command& of, const std::vector<std::string>& arguments) {
  boost::program_options::options_description own;
  of.add_options(own);
  return parse_invocation(arguments, own, of.is_operators);
}

std::string mistake(const command& of, const std::vector<std::string>& arguments) {
  try {
    parsed(of, arguments);
  } catch (const std::exception& e) {
    return e.what();
  }
  return {};
}

TEST_CASE("options may stand anywhere, and behind -- nothing is one") {
  const invocation use =
      parsed(call_command, {"--json", "cabin/x", "--timeout=2s", "--", "--set", "-5"});
  CHECK(use.words == std::vector<std::string>{"cabin/x", "--set", "-5"});
  CHECK(use.out.is_json());
  CHECK(use.timeout == 2s);
  CHECK(use.connect.timeout == 2s);
  CHECK_FALSE(use.has("set"));
  CHECK(parsed(call_command, {"x", "-5"}).words.back() == "-5");
}

TEST_CASE("options may stand before the command, too") {
  CHECK(command_position({"call", "--json"}) == 0);
  CHECK(command_position({"--json", "call"}) == 1);
  CHECK(command_position({"--timeout", "2s", "--json", "call", "x"}) == 3);
  CHECK(command_position({"--timeout=2s", "--socket", "call", "status"}) == 3);
  CHECK(command_position({"--json"}) == 1);
  CHECK(command_position({"--timeout"}) == 1);
  CHECK_THROWS_WITH_AS(command_position({"--jsn", "call"}),
                       "unknown option \"--jsn\" (did you mean \"--json\"?)", usage_error);
  CHECK_THROWS_AS(command_position({"-j", "call"}), usage_error);
}

TEST_CASE("operators' commands have options of their own") {
  CHECK(parsed(status_command, {"--socket", "/x"}).text("socket") == "/x");
  CHECK(mistake(status_command, {"--tls"}).find("unknown option \"--tls\"") == 0);
  CHECK(mistake(call_command, {"--socket", "x"}).find("unknown option \"--socket\"") == 0);
}

TEST_CASE("defaults") {
  const invocation use = parsed(call_command, {});
  CHECK(use.words.empty());
  CHECK(use.timeout == 10s);
  CHECK(use.connect.password.empty());
  CHECK(use.connect.position_servers.empty());
  CHECK_FALSE(use.out.is_json());
}

TEST_CASE("a position server's port may be missing") {
  const auto servers = parsed(lookup_command, {"--position", "10.0.0.1"}).connect.position_servers;
  REQUIRE(servers.size() == 1);
  CHECK(servers[0].to_string() == "10.0.0.1:54");
  CHECK(mistake(lookup_command, {"--position", "cabin"}).find("write an address") !=
        std::string::npos);
}

TEST_CASE("mistakes are explained") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> table{
      {{"--timeuot", "1s"}, "unknown option \"--timeuot\" (did you mean \"--timeout\"?)"},
      {{"--timeout"}, "\"--timeout\" needs an argument"},
      {{"--json=yes"}, "\"--json\" takes no argument"},
      {{"--timeout", "1s", "--timeout", "2s"}, "\"--timeout\" is given twice"},
      {{"--timeout", "soon"},
       "--timeout \"soon\": write a duration such as 500ms, 5s or 2m, 1ms to 24h"},
      {{"--timeout", "0s"},
       "--timeout \"0s\": write a duration such as 500ms, 5s or 2m, 1ms to 24h"},
      {{"--count", "3"}, "unknown option \"--count\" (did you mean \"--cert\"?)"},  // of others
      {{"--pass", "x"},
       "unknown option \"--pass\" (did you mean \"--password-file\"?)"},  // no abbreviations
  };
  for (const auto& [arguments, expected] : table)
    CHECK(mistake(call_command, arguments) == expected);
  const invocation use = parsed(ping_command, {"x", "--count", "0"});
  CHECK_THROWS_AS(use.number("count", 0, 1, 10), usage_error);
}

TEST_CASE("URLs: with and without scheme; an address wants its port") {
  CHECK(parse_url("cabin").to_string() == "vsoa://cabin/");
  CHECK(parse_url("vsoa://cabin:3005/a/b").path == "/a/b");
  CHECK(parse_url("[::1]:3005/x").host == "::1");
  CHECK_THROWS_AS(parse_url("127.0.0.1/x"), usage_error);
  CHECK_THROWS_AS(parse_url("http://cabin"), usage_error);
  CHECK_THROWS_AS(parse_url(""), usage_error);
}

// The options that a command's help describes, at the beginning of lines.
std::vector<std::string> described(std::string_view help) {
  std::vector<std::string> out;
  for (std::size_t at = help.find("\n  --"); at != help.npos; at = help.find("\n  --", at + 1)) {
    std::string_view line = help.substr(at + 3);
    line = line.substr(0, line.find('\n'));
    for (std::size_t dash = 0; dash < line.size();) {
      const std::size_t end = line.find_first_of(" ,\n", dash);
      out.emplace_back(line.substr(dash, end - dash));
      if (end == line.npos || line.substr(end, 4) != ", --") break;
      dash = end + 2;
    }
  }
  return out;
}

TEST_CASE("each command's options are in its help, the man page and the completion") {
  const std::string completion = vsoa_test::read_file(VSOACTL_COMPLETION);
  std::string man = vsoa_test::read_file(VSOACTL_MAN_PAGE);
  for (std::size_t at; (at = man.find("\\-")) != man.npos;)
    man.erase(at, 1);
  for (const command* c : commands()) {
    CAPTURE(c->name);
    CHECK(completion.find(c->name) != std::string::npos);
    CHECK(man.find("\n.SS " + std::string(c->name)) != std::string::npos);
    boost::program_options::options_description own;
    c->add_options(own);
    for (const auto& option : own.options()) {
      const std::string name = "--" + option->long_name();
      CAPTURE(name);
      CHECK(help_text(*c).find(name) != std::string::npos);
      CHECK(completion.find(name) != std::string::npos);
      CHECK(man.find(name) != std::string::npos);
    }
    for (const std::string& name : described(help_text(*c))) {
      CAPTURE(name);
      CHECK(mistake(*c, {name + "=1"}).find("unknown") == std::string::npos);
    }
  }
}

}  // namespace invocation_test
