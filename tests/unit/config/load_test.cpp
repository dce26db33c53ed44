// What a good configuration comes to.
#include <doctest/doctest.h>

#include "config/load.hpp"
#include "config/print.hpp"

namespace load_test {

using namespace vsoad::config;
using namespace std::chrono_literals;

configuration loaded(std::string_view text) {
  load_options options;
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "THREADS") return "3";
    if (name == "EMPTY") return "";
    if (name == "WORDS") return "a: b # c";
    return {};
  };
  load_result result = load_text("c.yaml", text, options);
  for (const diagnostic& d : result.diagnostics)
    MESSAGE(to_string(d));
  REQUIRE(result.ok());
  // What is printed loads again and prints the same.
  const std::string printed = print_yaml(*result.document);
  const load_result again = load_text("printed.yaml", printed, options);
  for (const diagnostic& d : again.diagnostics)
    MESSAGE(to_string(d));
  REQUIRE(again.ok());
  CHECK(print_yaml(*again.document) == printed);
  return *result.config;
}

TEST_CASE("an empty file is all defaults, which are those of the code") {
  const configuration c = loaded("");
  CHECK(c.log.level == vsoa::log_level::info);
  CHECK(c.log.target == log_target::automatic);
  CHECK(c.log.format == log_format::text);
  CHECK(c.runtime.threads == 0);
  CHECK(c.runtime.user.empty());
  CHECK(c.runtime.shutdown_grace == runtime_settings{}.shutdown_grace);
  CHECK(c.runtime.stall_warning == runtime_settings{}.stall_warning);
  CHECK(c.plugins.directories ==
        std::vector<std::string>{"/usr/lib/vsoad/plugins", "/usr/local/lib/vsoad/plugins"});
  CHECK(c.services.empty());
  CHECK(c.position.listen.empty());
}

TEST_CASE("what roles may do, and a command that has its time") {
  const configuration c = loaded(R"(services:
  - name: a
    listen: 127.0.0.1:1
    credentials: [ { role: viewer, password: v } ]
    access:
      - { role: viewer, allow: [ subscribe, datagram ], urls: [ /t/, /u ] }
      - { allow: call, urls: / }
    commands: { /cam/: { plugin: camera, timeout: 2s }, /echo: { plugin: echo } }
)");
  const service_settings& s = c.services.at(0);
  REQUIRE(s.access.size() == 2);
  CHECK(s.access[0].role == "viewer");
  CHECK_FALSE(s.access[0].call);
  CHECK(s.access[0].subscribe);
  CHECK(s.access[0].datagram);
  CHECK(s.access[0].urls == std::vector<std::string>{"/t/", "/u"});
  CHECK(s.access[1].role.empty());
  CHECK(s.access[1].call);
  CHECK_FALSE(s.access[1].subscribe);
  CHECK(s.access[1].urls == std::vector<std::string>{"/"});
  CHECK(s.commands.at(0).timeout == 2s);
  CHECK_FALSE(s.commands.at(1).timeout);
}

TEST_CASE("a service with nothing but what it must have") {
  const configuration c = loaded("services: [ { name: a, listen: 127.0.0.1:1 } ]");
  REQUIRE(c.services.size() == 1);
  const service_settings& s = c.services[0];
  CHECK(s.name == "a");
  REQUIRE(s.listen.size() == 1);
  CHECK(s.listen[0].to_string() == "127.0.0.1:1");
  CHECK_FALSE(s.advertise);
  CHECK(s.info_json == R"({"name":"a"})");
  CHECK_FALSE(s.all_plugins);
  CHECK(s.plugins.empty());
  CHECK(s.keepalive == 0s);
  const vsoa::server_limits usual;
  CHECK(s.limits.clients == usual.clients);
  CHECK(s.limits.clients_per_address == usual.clients_per_address);
  CHECK(s.limits.handshakes == usual.handshakes);
  CHECK(s.limits.handshake_timeout == usual.handshake_timeout);
  CHECK(s.limits.partial_timeout == usual.partial_timeout);
  CHECK(s.limits.send_timeout == usual.send_timeout);
  CHECK(s.limits.outbox == usual.outbox);
  CHECK(s.limits.slow == usual.slow);
  CHECK(s.limits.subscriptions == usual.subscriptions);
  CHECK(s.limits.calls_in_flight == usual.calls_in_flight);
  CHECK(s.limits.streams == usual.streams);
  CHECK(s.limits.streams_per_client == usual.streams_per_client);
}

TEST_CASE("every key") {
  const configuration c = loaded(R"(
log: { level: warning, target: stderr, format: json }
runtime: { threads: "auto", user: vsoad, shutdown_grace: 2m, stall_warning: 250ms }
plugins:
  directory: /x
  settings:
    camera: { work_queue: slow, config: { device: /dev/video0 } }
    plain: {}
work_queues:
  slow: { threads: 2, limit: 64 }
  usual:
position:
  listen: [ "0.0.0.0:3000", "[::]:3000" ]
  entries: [ { name: legacy, address: 10.0.0.9, port: 3001, secure: true } ]
  upstream: [ "10.0.0.1:55", 10.0.0.2 ]
services:
  - name: cabin
    listen: [ "0.0.0.0:3005" ]
    advertise: "fd00::5"
    info: { name: cabin, vendor: acme }
    credentials:
      - { role: operator, password: 0123 }
      - { role: viewer, password: gu$$est }
    plugins: { camera: { mount: /cam/ }, echo: , top: { mount: / } }
    commands:
      /echo: { plugin: echo }
      /cam/: { plugin: camera, command: /x, work_queue: slow }
    topics:
      /speed: { relay: true, retain: last, max_rate: 50 }
    limits: { clients: 1, clients_per_address: 2, handshakes: 3, handshake_timeout: 4s,
              partial_timeout: 5s, send_timeout: 6s, outbox: 7MiB, slow_consumer: drop,
              subscriptions: 8, calls_in_flight: 9, streams: 10, streams_per_client: 11 }
    priority: [ { role: operator, level: 7 } ]
    keepalive: 30s
  - { name: b, listen: "0.0.0.0:3006", plugins: all }
  - { name: c, listen: "0.0.0.0:0", plugins: [ echo, camera ] }
  - { name: d, listen: "0.0.0.0:0" }
)");
  CHECK(c.log.level == vsoa::log_level::warning);
  CHECK(c.log.target == log_target::standard_error);
  CHECK(c.log.format == log_format::json);
  CHECK(c.runtime.threads == 0);
  CHECK(c.runtime.user == "vsoad");
  CHECK(c.runtime.shutdown_grace == 2min);
  CHECK(c.runtime.stall_warning == 250ms);
  CHECK(c.plugins.directories == std::vector<std::string>{"/x"});
  CHECK(c.plugins.settings.at("camera").work_queue == "slow");
  CHECK(c.plugins.settings.at("camera").config_json == R"({"device":"/dev/video0"})");
  CHECK(c.plugins.settings.at("camera").has_config);
  CHECK_FALSE(c.plugins.settings.at("plain").has_config);
  CHECK(c.plugins.settings.at("plain").config_json == "null");
  CHECK(c.work_queues.at("slow").threads == 2);
  CHECK(c.work_queues.at("slow").limit == 64);
  CHECK(c.work_queues.at("usual").limit == work_queue_settings{}.limit);
  REQUIRE(c.position.listen.size() == 2);
  CHECK(c.position.listen[1].to_string() == "[::]:3000");
  REQUIRE(c.position.entries.size() == 1);
  CHECK(c.position.entries[0].name == "legacy");
  CHECK(c.position.entries[0].address.to_string() == "10.0.0.9:3001");
  CHECK(c.position.entries[0].secure);
  REQUIRE(c.position.upstream.size() == 2);
  CHECK(c.position.upstream[0].to_string() == "10.0.0.1:55");
  CHECK(c.position.upstream[1].to_string() == "10.0.0.2:54");

  REQUIRE(c.services.size() == 4);
  const service_settings& s = c.services[0];
  CHECK(s.advertise->to_string() == "fd00::5");
  CHECK(s.info_json == R"({"name":"cabin","vendor":"acme"})");
  REQUIRE(s.credentials.size() == 2);
  CHECK(s.credentials[0].role == "operator");
  CHECK(s.credentials[0].password == "0123");
  CHECK(s.credentials[1].password == "gu$est");
  REQUIRE(s.plugins.size() == 3);
  CHECK(s.plugins[0].plugin == "camera");
  CHECK(s.plugins[0].mount == "/cam");
  CHECK(s.plugins[1].plugin == "echo");
  CHECK(s.plugins[1].mount.empty());
  CHECK(s.plugins[2].mount.empty());
  REQUIRE(s.commands.size() == 2);
  CHECK(s.commands[0].url == "/echo");
  CHECK(s.commands[0].plugin == "echo");
  CHECK(s.commands[0].command.empty());
  CHECK(s.commands[0].work_queue.empty());
  CHECK(s.commands[1].command == "/x");
  CHECK(s.commands[1].work_queue == "slow");
  REQUIRE(s.topics.size() == 1);
  CHECK(s.topics[0].url == "/speed");
  CHECK(s.topics[0].relay);
  CHECK(s.topics[0].retain_last);
  CHECK(s.topics[0].max_rate == 50);
  CHECK(s.limits.clients == 1);
  CHECK(s.limits.clients_per_address == 2);
  CHECK(s.limits.handshakes == 3);
  CHECK(s.limits.handshake_timeout == 4s);
  CHECK(s.limits.partial_timeout == 5s);
  CHECK(s.limits.send_timeout == 6s);
  CHECK(s.limits.outbox == 7U << 20);
  CHECK(s.limits.slow == vsoa::slow_consumer::drop);
  CHECK(s.limits.subscriptions == 8);
  CHECK(s.limits.calls_in_flight == 9);
  CHECK(s.limits.streams == 10);
  CHECK(s.limits.streams_per_client == 11);
  REQUIRE(s.priority.size() == 1);
  CHECK(s.priority[0].role == "operator");
  CHECK(s.priority[0].level == 7);
  CHECK(s.keepalive == 30s);
  CHECK(c.services[1].all_plugins);
  CHECK(c.services[1].plugins.empty());
  CHECK_FALSE(c.services[2].all_plugins);
  REQUIRE(c.services[2].plugins.size() == 2);
  CHECK(c.services[2].plugins[1].plugin == "camera");
}

TEST_CASE("free YAML becomes JSON: what is in quotes is a string") {
  const configuration c = loaded(R"(
plugins:
  settings:
    a:
      config:
        numbers: [ 0, -1, +2, 1.50, .5, 5., 1e3, -1.5E-3, 18446744073709551615 ]
        strings: [ "0", '1.5', "true", "null", 1.2.3, 12:30, 2020-01-01, -, abc, "~", e1, !!str 7 ]
        others: [ true, false, null, ~, , ]
        empty: [ {}, [], "" ]
        text: "a\"\\\n\té\x01"
        block: |
          two
          lines
        variables: [ "${THREADS}", "${NONE:-x}", "${EMPTY:-}", "${WORDS}", "$$" ]
        plain: ${THREADS}
        nothing: ${NONE:-~}
        alias: [ &x { a: 1 }, *x ]
)");
  CHECK(
      c.plugins.settings.at("a").config_json ==
      R"({"numbers":[0,-1,2,1.50,0.5,5,1e3,-1.5e-3,18446744073709551615],)"
      R"("strings":["0","1.5","true","null","1.2.3","12:30","2020-01-01","-","abc","~","e1","7"],)"
      R"("others":[true,false,null,null,null],"empty":[{},[],""],)"
      "\"text\":\"a\\\"\\\\\\n\\té\\u0001\",\"block\":\"two\\nlines\\n\","
      R"("variables":["3","x","","a: b # c","$"],"plain":3,"nothing":null,)"
      R"("alias":[{"a":1},{"a":1}]})");
}

TEST_CASE("variables may stand for any value") {
  const configuration c = loaded(
      "runtime: { threads: \"${THREADS}\" }\nservices:\n  - name: ${NONE:-cabin}\n"
      "    listen: 127.0.0.1:${EMPTY:-3}005\n    limits:\n      clients: ${THREADS}\n");
  REQUIRE(c.services.size() == 1);
  CHECK(c.services[0].name == "cabin");
  CHECK(c.services[0].listen[0].port == 3005);
  CHECK(c.services[0].limits.clients == 3);
  CHECK(c.runtime.threads == 3);  // in { } only quotes hold a variable
}

TEST_CASE("what is all commented out is as if it were not there") {
  const configuration c = loaded("log:\nservices:\nplugins:\n  settings:\n    a:\nwork_queues:\n");
  CHECK(c.services.empty());
  CHECK(c.plugins.settings.size() == 1);
}

}  // namespace load_test
