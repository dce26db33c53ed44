// What is wrong with a configuration is said in full: each text with all its findings, word by
// word.
#include <doctest/doctest.h>

#include <ostream>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace errors_test {

using namespace vsoad::config;

load_options test_options() {
  load_options options;
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "SET") return "value";
    if (name == "EMPTY") return "";
    if (name == "THREADS") return "3";
    if (name == "BAD") return "\xff";
    return {};
  };
  return options;
}

struct bad_text {
  std::string text;
  std::vector<std::string> findings;
};

void check(const std::vector<bad_text>& table) {
  for (const bad_text& row : table) {
    CAPTURE(row.text);
    const load_result result = load_text("c.yaml", row.text, test_options());
    CHECK_FALSE(result.ok());
    CHECK(result.document == nullptr);
    std::string found, expected;
    for (const diagnostic& d : result.diagnostics)
      found += to_string(d) + '\n';
    for (const std::string& finding : row.findings)
      expected += finding + '\n';
    CHECK(found == expected);
  }
}

// A service that is all right, for texts that are about one key of it.
std::string service(const std::string& more) {
  return "services:\n  - name: a\n    listen: 127.0.0.1:1\n" + more;
}

TEST_CASE("syntax") {
  check({
      {"log: [1", {"c.yaml:1:8: not valid YAML: end of sequence flow not found"}},
      {"log:\n\tlevel: info",
       {"c.yaml:2:7: not valid YAML: illegal map value; indent with spaces, not tabs"}},
      {"log: { level: ${X} }",
       {"c.yaml:1:16: not valid YAML: end of map flow not found; inside { } and [ ], write "
        "\"${NAME}\" in quotes"}},
      {"- a", {"c.yaml:1:1: the file is a list; it must be a mapping of keys"}},
      {"hello", {"c.yaml:1:1: the file is a text; it must be a mapping of keys"}},
      {"log: {}\n---\nlog: {}", {"c.yaml:2:1: a second document; one file holds one document"}},
      {"  log: {}\nruntime: {}",
       {"c.yaml:2:1: not valid YAML: belongs to nothing above; check the indentation"}},
      {"log: {}\nservices:\n - name: \"a\n   listen: x\n",
       {"c.yaml:3:10: not valid YAML: this quote is never closed"}},
      {"runtime:\n  user: !file 'it''s\n",
       {"c.yaml:2:9: not valid YAML: this quote is never closed"}},
      {"\xEF\xBB\xBFz\xC3\xA9zz: \"\\\"\"",
       {"c.yaml:1:1: z\xC3\xA9zz: unknown key; known here: include, log, runtime, plugins, "
        "work_queues, position, control and services"}},
      {"log: *x", {"c.yaml:1:6: not valid YAML: the referenced anchor is not defined"}},
      {"log: &x { level: *x }",
       {"c.yaml:1:18: log.level: an alias inside its own anchor; it would never end"}},
      {"{ [a]: b }",
       {"c.yaml:1:3: a key must be a text, not a list or a mapping; is a bracket left open?"}},
      {"? ~\n: b", {"c.yaml:1:3: a key is missing or null; write a text before the \":\""}},
      {"log: !x { level: !y info }",
       {"c.yaml:1:6: log: unknown tag \"!x\"; only !file is known here",
        "c.yaml:1:18: log.level: unknown tag \"!y\"; only !file is known here"}},
      {"log:\n  level: info\n# \xff",
       {"c.yaml:3:1: this line is not UTF-8 text; save the file as UTF-8"}},
      {std::string("a\0b", 3), {"c.yaml:1:1: this line is not UTF-8 text; save the file as UTF-8"}},
      {std::string(max_document_bytes + 1, '#'), {"c.yaml: larger than 1048576 bytes; split it"}},
  });
}

TEST_CASE("documents that are small and mean much are refused") {
  std::string deep = "plugins: { settings: { a: { config: ";
  deep += std::string(29, '[') + std::string(29, ']') + " } } }";
  check({{deep, {"c.yaml:1:65: plugins.settings.a.config" + [] {
            std::string zeros;
            for (int i = 0; i < 28; ++i)
              zeros += "[0]";
            return zeros;
          }() + ": nested deeper than 32 levels"}}});

  std::string bomb = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j)
      bomb += (j == 0 ? "" : ", ") + before;
    bomb += "]\n";
  }
  const load_result result = load_text("c.yaml", bomb, test_options());
  REQUIRE(result.diagnostics.size() == 1);
  CHECK(result.diagnostics[0].message == "aliases that stand for too much; write less");
}

TEST_CASE("keys") {
  check({
      {"log: { levle: info }", {"c.yaml:1:8: log.levle: unknown key (did you mean \"level\"?)"}},
      {"services: [ { nme: a, listen: 127.0.0.1:1 } ]",
       {"c.yaml:1:13: services[0].name: missing; write one such as name: cabin",
        "c.yaml:1:15: services[0].nme: unknown key (did you mean \"name\"?)"}},
      {"log: {}\nlevel: info",
       {"c.yaml:2:1: level: unknown key; it belongs at log.level, services[].priority[].level"}},
      {"zzzzzz: 1",
       {"c.yaml:1:1: zzzzzz: unknown key; known here: include, log, runtime, plugins, work_queues, "
        "position, control and services"}},
      {"log: { level: info }\nruntime: {}\nlog: {}",
       {"c.yaml:3:1: log: set twice, first at line 1; keep one"}},
      {"log:\n  level: info\n  \"level\": debug",
       {"c.yaml:3:3: log.level: set twice, first at line 2; keep one"}},
      {"plugins: { settings: { a: { config: { x: [ { y: 1, y: 2 } ] } } } }",
       {"c.yaml:1:52: plugins.settings.a.config.x[0].y: set twice, first at line 1; keep one"}},
      {"\"a\\nb\": 1",
       {"c.yaml:1:1: a\\x0ab: unknown key; known here: include, log, runtime, plugins, "
        "work_queues, "
        "position, control and services"}},
      {"<<: {}",
       {"c.yaml:1:1: <<: unknown key; known here: include, log, runtime, plugins, work_queues, "
        "position, control and services"}},
  });
}

TEST_CASE("kinds") {
  check({
      {"log: info", {"c.yaml:1:6: log: is a text; write a mapping"}},
      {"log: [ info ]", {"c.yaml:1:6: log: is a list; write a mapping"}},
      {"log: { level: [ info ] }",
       {"c.yaml:1:15: log.level: is a list; write trace, debug, info, warning or error, such as "
        "debug"}},
      {"log: { level: }",
       {"c.yaml:1:15: log.level: has no value; write one such as debug, or remove the key"}},
      {"log: { level: ~ }",
       {"c.yaml:1:15: log.level: has no value; write one such as debug, or remove the key"}},
      {"services: { name: a }", {"c.yaml:1:11: services: is a mapping; write a list"}},
      {"services: [ a ]",
       {"c.yaml:1:13: services[0]: is a text; write a mapping with the keys name, listen, "
        "advertise, info, credentials, tls, access, plugins, commands, topics, limits, priority "
        "and "
        "keepalive"}},
      {"work_queues: { slow: 3 }",
       {"c.yaml:1:22: work_queues.slow: is a text; write a mapping with the keys threads and "
        "limit"}},
      {"position: { listen: { a: b } }",
       {"c.yaml:1:21: position.listen: is a mapping; write an address and port, or a list of them, "
        "such as 0.0.0.0:3000"}},
      {service("    plugins: al"),
       {"c.yaml:4:14: services[0].plugins: \"al\" is not allowed here; write a mapping by name, a "
        "list of names or the word all (did you mean \"all\"?)"}},
      {service("    plugins: [ a, [ b ], a ]"),
       {"c.yaml:4:19: services[0].plugins[1]: is a list; write a name",
        "c.yaml:4:26: services[0].plugins[2]: \"a\" is in the list twice; keep one"}},
      {"log: !file x", {"c.yaml:1:6: log: is a text; write a mapping"}},
      {"plugins: { settings: { a: { config: !file [ x ] } } }",
       {"c.yaml:1:37: plugins.settings.a.config: can't come from a !file"}},
  });
}

TEST_CASE("numbers and booleans") {
  const auto threads = [](const std::string& text) { return "runtime: { threads: " + text + " }"; };
  check({
      {threads("0"),
       {"c.yaml:1:21: runtime.threads: 0 is out of range; allowed is 1 to 64, or auto"}},
      {threads("65"),
       {"c.yaml:1:21: runtime.threads: 65 is out of range; allowed is 1 to 64, or auto"}},
      {threads("99999999999999999999"),
       {"c.yaml:1:21: runtime.threads: 99999999999999999999 is out of range; allowed is 1 to 64, "
        "or "
        "auto"}},
      {threads("010"),
       {"c.yaml:1:21: runtime.threads: \"010\" starts with 0; write the number in plain decimal"}},
      {threads("0x4"),
       {"c.yaml:1:21: runtime.threads: \"0x4\" is not a whole number or auto; write it in plain "
        "decimal"}},
      {threads("-1"),
       {"c.yaml:1:21: runtime.threads: \"-1\" is not a whole number or auto; write it in plain "
        "decimal"}},
      {threads("1.5"),
       {"c.yaml:1:21: runtime.threads: \"1.5\" is not a whole number or auto; write it in plain "
        "decimal"}},
      {threads("\"4\""),
       {"c.yaml:1:21: runtime.threads: \"4\" is a text; write the number without quotes"}},
      {service("    topics: { /a: { relay: yes } }"),
       {"c.yaml:4:28: services[0].topics./a.relay: \"yes\" is not true or false; write true or "
        "false, without quotes"}},
      {service("    topics: { /a: { relay: \"true\" } }"),
       {"c.yaml:4:28: services[0].topics./a.relay: \"true\" is not true or false; write true or "
        "false, without quotes"}},
      {service("    topics: { /a: { relay: True } }"),
       {"c.yaml:4:28: services[0].topics./a.relay: \"True\" is not true or false; write true or "
        "false, without quotes"}},
  });
}

TEST_CASE("durations, sizes and choices") {
  check({
      {"runtime: { shutdown_grace: 5 }",
       {"c.yaml:1:28: runtime.shutdown_grace: \"5\" has no unit; write 5s or 5ms"}},
      {"runtime: { shutdown_grace: 0 }",
       {"c.yaml:1:28: runtime.shutdown_grace: \"0\" has no unit; write 0s or 0ms"}},
      {"runtime: { shutdown_grace: 5 s }",
       {"c.yaml:1:28: runtime.shutdown_grace: \"5 s\" is not a duration; write one such as 100ms, "
        "5s, 2m or 1h"}},
      {"runtime: { shutdown_grace: 1.5s }",
       {"c.yaml:1:28: runtime.shutdown_grace: \"1.5s\" is not a duration; write one such as 100ms, "
        "5s, 2m or 1h"}},
      {"runtime: { shutdown_grace: 11m }",
       {"c.yaml:1:28: runtime.shutdown_grace: 11m is out of range; allowed is 0s to 10m"}},
      {"runtime: { shutdown_grace: 18446744073709551615h }",
       {"c.yaml:1:28: runtime.shutdown_grace: 18446744073709551615h is out of range; allowed is 0s "
        "to 10m"}},
      {service("    keepalive: 1500ms"),
       {"c.yaml:4:16: services[0].keepalive: \"1500ms\" is too fine; write a multiple of 1s"}},
      {service("    limits: { outbox: 4MB, send_timeout: 0s }"),
       {"c.yaml:4:23: services[0].limits.outbox: \"4MB\" is not a size; write bytes, or one such "
        "as "
        "64KiB, 4MiB or 1GiB",
        "c.yaml:4:42: services[0].limits.send_timeout: 0s is out of range; allowed is 1ms to 10m"}},
      {service("    limits: { outbox: 1 }"),
       {"c.yaml:4:23: services[0].limits.outbox: 1 is out of range; allowed is 256KiB to 1GiB"}},
      {"log: { level: warn, format: xml }",
       {"c.yaml:1:15: log.level: \"warn\" is not allowed here; write trace, debug, info, warning "
        "or "
        "error (did you mean \"warning\"?)",
        "c.yaml:1:29: log.format: \"xml\" is not allowed here; write text or json"}},
      {"log: { level: INFO }",
       {"c.yaml:1:15: log.level: \"INFO\" is not allowed here; write trace, debug, info, warning "
        "or "
        "error (did you mean \"info\"?)"}},
  });
}

TEST_CASE("addresses") {
  const auto listen = [](const std::string& text) { return "position: { listen: " + text + " }"; };
  check({
      {listen("3005"),
       {"c.yaml:1:21: position.listen: \"3005\" is only a port; write the address too: "
        "\"0.0.0.0:3005\", \"127.0.0.1:3005\" or \"[::]:3005\""}},
      {listen("127.0.0.1"),
       {"c.yaml:1:21: position.listen: \"127.0.0.1\" has no port; write one such as "
        "\"127.0.0.1:3005\""}},
      {listen("\"::1\""),
       {"c.yaml:1:21: position.listen: \"::1\" has no port; write one such as \"[::1]:3005\""}},
      {listen("localhost:3005"),
       {"c.yaml:1:21: position.listen: \"localhost:3005\" is not an address and a port; write one "
        "such as \"127.0.0.1:3005\" or \"[::1]:3005\"; host names are not looked up"}},
      {listen("127.0.0.1:65536"),
       {"c.yaml:1:21: position.listen: port 65536 is out of range; allowed is 0 to 65535"}},
      {listen("\"::1:3000\""),
       {"c.yaml:1:21: position.listen: \"::1:3000\" needs brackets around the address; write "
        "\"[::1]:3000\""}},
      {"position: { upstream: \"0.0.0.0:54\" }",
       {"c.yaml:1:23: position.upstream: \"0.0.0.0:54\" is nowhere; write the address and the port "
        "of the other side"}},
      {service("    advertise: 10.0.0.1:5"),
       {"c.yaml:4:16: services[0].advertise: \"10.0.0.1:5\" is not an address that clients can "
        "reach; write one such as 192.168.1.5 or \"fd00::5\", without a port"}},
      {"services: [ { name: a, listen: [] } ]",
       {"c.yaml:1:32: services[0].listen: is an empty list; write at least one, such as "
        "0.0.0.0:3005"}},
  });
}

TEST_CASE("names and URLs") {
  check({
      {service("    commands: { echo: { plugin: ../x }, /: {} }"),
       {"c.yaml:4:17: services[0].commands.echo: \"echo\" is not a URL: it must start with \"/\"; "
        "write \"/echo\"",
        "c.yaml:4:33: services[0].commands.echo.plugin: \"../x\" is not a name; write at most 64 "
        "letters, digits, \"_\", \"-\" and \".\", the first a letter or a digit",
        "c.yaml:4:41: services[0].commands./.plugin: missing; write one such as plugin: echo, or "
        "forward: vsoa://legacy"}},
      {"services: [ { name: a/b, listen: 127.0.0.1:1 } ]",
       {"c.yaml:1:21: services[0].name: \"a/b\" is not a service name; write 1 to 255 bytes "
        "without "
        "spaces and without / \\ : @ ? # [ ] \""}},
      {service("    credentials: [ { role: a, password: \"\" } ]"),
       {"c.yaml:4:41: services[0].credentials[0].password: is empty; write a text"}},
      {service("    plugins: { a: { mount: cam } }"),
       {"c.yaml:4:28: services[0].plugins.a.mount: \"cam\" is not a URL: it must start with \"/\"; "
        "write \"/cam\""}},
  });
}

TEST_CASE("references and collisions") {
  check({
      {"work_queues: { slow: {} }\nplugins: { settings: { a: { work_queue: slwo } } }",
       {"c.yaml:2:41: plugins.settings.a.work_queue: work queue \"slwo\" is not defined; add it to "
        "work_queues (did you mean \"slow\"?)"}},
      {service("    credentials: [ { role: operator, password: x } ]\n"
               "    priority: [ { role: operatr, level: 1 } ]"),
       {"c.yaml:5:25: services[0].priority[0].role: role \"operatr\" is not defined; add it to the "
        "credentials of this service (did you mean \"operator\"?)"}},
      {service("    credentials: [ { role: operator, password: x } ]\n"
               "    access: [ { role: operatr, allow: [ call, publish ], urls: x } ]"),
       {"c.yaml:5:23: services[0].access[0].role: role \"operatr\" is not defined; add it to the "
        "credentials of this service (did you mean \"operator\"?)",
        "c.yaml:5:47: services[0].access[0].allow[1]: \"publish\" is not allowed here; write call, "
        "subscribe or datagram",
        "c.yaml:5:64: services[0].access[0].urls: \"x\" is not a URL: it must start with \"/\"; "
        "write "
        "\"/x\""}},
      {service("  - name: A\n    listen: [ \"0.0.0.0:1\", 127.0.0.2:1, \"[::]:1\" ]"),
       {"c.yaml:4:11: services[1].name: the name \"A\" is taken by services[0].name at "
        "c.yaml:2:11; "
        "upper and lower case are the same",
        "c.yaml:5:15: services[1].listen[0]: 0.0.0.0:1 is in use by services[0].listen "
        "(127.0.0.1:1) at c.yaml:3:13; give each an address or a port of its own"}},
      {"position: { listen: [ 127.0.0.1:1 ] }\n" + service(""),
       {"c.yaml:4:13: services[0].listen: 127.0.0.1:1 is in use by position.listen[0] "
        "(127.0.0.1:1) at c.yaml:1:23; give each an address or a port of its own"}},
      {"position:\n  entries:\n    - { name: x, address: 10.0.0.1, port: 1 }\n"
       "    - { name: X, address: 10.0.0.2, port: 1 }\n"
       "    - { name: X, address: \"fd00::1\", port: 1 }",
       {"c.yaml:4:27: position.entries[1].address: the name \"X\" is taken by "
        "position.entries[0].address at c.yaml:3:27; upper and lower case are the same"}},
      {"position: { entries: [ { name: a, address: \"fd00::1\", port: 1 } ] }\n" + service(""),
       {"c.yaml:3:11: services[0].name: the name \"a\" is taken by position.entries[0].address at "
        "c.yaml:1:44; upper and lower case are the same"}},
      {service("    credentials: [ { role: a, password: x } ]\n"
               "    priority: [ { role: a, level: 1 }, { role: a, level: 2 } ]"),
       {"c.yaml:5:48: services[0].priority[1].role: role \"a\" has its priority by "
        "services[0].priority[0].role at c.yaml:5:25 already; remove one"}},
      {"plugins: { directory: plugins }",
       {"c.yaml:1:23: plugins.directory: \"plugins\" is relative, to whatever folder vsoad is "
        "started in; write a path that starts with \"/\""}},
  });
}

TEST_CASE("variables and files") {
  const auto user = [](const std::string& text) { return "runtime: { user: \"" + text + "\" }"; };
  check({
      {user("${NONE}"),
       {"c.yaml:1:18: runtime.user: environment variable NONE is not set; set it, or write "
        "${NONE:-default}"}},
      {user("$SET"),
       {"c.yaml:1:18: runtime.user: a lone \"$\"; write ${NAME} for an environment variable, or $$ "
        "for the sign"}},
      {user("${SET"),
       {"c.yaml:1:18: runtime.user: a lone \"$\"; write ${NAME} for an environment variable, or $$ "
        "for the sign"}},
      {user("${1X}"),
       {"c.yaml:1:18: runtime.user: \"1X\" is not the name of an environment variable"}},
      {user("${BAD}"), {"c.yaml:1:18: runtime.user: environment variable BAD is not UTF-8 text"}},
      {"runtime: { threads: \"0${THREADS}\" }",
       {"c.yaml:1:21: runtime.threads: \"03\" is a text; write the number without quotes"}},
      // The value may be a secret.
      {service("    credentials: [ { role: a, password: \"${EMPTY}\" } ]"),
       {"c.yaml:4:41: services[0].credentials[0].password: what it stands for is no good here; "
        "write "
        "a secret text"}},
      {user("${NONE:-${SET}}"),
       {"c.yaml:1:18: runtime.user: a variable within a variable's default; write the default "
        "itself"}},
      {"runtime: { user: !file /nonexistent/pw }",
       {"c.yaml:1:18: runtime.user: /nonexistent/pw can't be read: No such file or directory"}},
      {"runtime: { user: !file / }",
       {"c.yaml:1:18: runtime.user: / can't be read: Is a directory"}},
      {"runtime: { user: !file /dev/zero }",
       {"c.yaml:1:18: runtime.user: /dev/zero is larger than 4096 bytes"}},
      {"include: /nonexistent/x.yaml",
       {"c.yaml:1:10: include: /nonexistent/x.yaml can't be read: No such file or directory"}},
  });

  load_options closed = test_options();
  closed.allow_files = false;
  const load_result result =
      load_text("c.yaml", "include: /etc/*.yaml\nruntime: { user: !file /etc/hostname }", closed);
  REQUIRE(result.diagnostics.size() == 2);
  CHECK(to_string(result.diagnostics[0]) == "c.yaml:1:10: include: not allowed here");
  CHECK(to_string(result.diagnostics[1]) == "c.yaml:2:18: runtime.user: !file is not allowed here");
}

TEST_CASE("free YAML must mean the same to everybody") {
  const auto config = [](const std::string& text) {
    return "plugins:\n  settings: { a: { config: " + text + " } }";
  };
  const std::string at = "c.yaml:2:28: plugins.settings.a.config: ";
  check({
      {config("010"), {at + "\"010\" starts with 0; write it in plain decimal, or in quotes"}},
      {config("0x1F"),
       {at + "\"0x1F\" could be a number; write it in plain decimal, or in quotes"}},
      {config("No"),
       {at + "\"No\" could be a boolean; write true or false, or write it in quotes"}},
      {config("TRUE"),
       {at + "\"TRUE\" could be a boolean; write true or false, or write it in quotes"}},
      {config("-.inf"), {at + "\"-.inf\" is no number to JSON; write it in quotes"}},
      {config("18446744073709551616"),
       {at + "\"18446744073709551616\" is too large for a number; write it in quotes"}},
      {config("1e999"), {at + "\"1e999\" is too large for a number; write it in quotes"}},
      {service("    info: { text: \"" + std::string(2048, 'x') + "\" }"),
       {"c.yaml:4:11: services[0].info: is too large; allowed is at most 2KiB of JSON"}},
  });
}

TEST_CASE("a file that is all wrong has a bounded number of findings") {
  std::string text;
  for (int i = 0; i < 1500; ++i)
    text += "zzzzz" + std::to_string(i) + ": 1\n";
  const load_result result = load_text("c.yaml", text, test_options());
  REQUIRE(result.diagnostics.size() == 1001);
  CHECK(to_string(result.diagnostics.back()) == "c.yaml: and 500 more findings, not shown");
}

}  // namespace errors_test
