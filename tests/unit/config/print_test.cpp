#include "config/print.hpp"

#include <doctest/doctest.h>

#include <ostream>
#include <string>

#include "config/load.hpp"

namespace print_test {

using namespace vsoad::config;

std::string printed(std::string_view text) {
  const load_result result = load_text("c.yaml", text);
  for (const diagnostic& d : result.diagnostics)
    MESSAGE(to_string(d));
  REQUIRE(result.ok());
  return print_yaml(*result.document);
}

TEST_CASE("every default is filled in") {
  CHECK(printed("services: [ { name: a, listen: 127.0.0.1:1, plugins: all, "
                "credentials: [ { role: r, password: secret } ] } ]") ==
        R"(log:
  level: info
  target: auto
  format: text
runtime:
  threads: auto
  shutdown_grace: 5s
  busy_poll: 0s
  stall_warning: 100ms
plugins:
  directory:
    - /usr/lib/vsoad/plugins
    - /usr/local/lib/vsoad/plugins
  unload_grace: 30s
  settings: {}
work_queues: {}
position:
  listen: []
  entries: []
  upstream: []
control: {}
services:
  - name: a
    listen:
      - "127.0.0.1:1"
    info:
      name: a
    credentials:
      - role: r
        password: "********"
    access: []
    plugins: all
    commands: {}
    topics: {}
    limits:
      clients: 10000
      clients_per_address: 256
      handshakes: 1024
      handshake_timeout: 5s
      partial_timeout: 30s
      send_timeout: 100ms
      outbox: 4MiB
      slow_consumer: close
      subscriptions: 1024
      calls_in_flight: 65535
      streams: 1024
      streams_per_client: 64
    priority: []
    keepalive: 0s
)");
}

TEST_CASE("values are printed in the largest unit without a fraction") {
  const std::string text = printed(
      "runtime: { shutdown_grace: 60000ms, stall_warning: 1500ms }\n"
      "services: [ { name: a, listen: \"[::1]:1\", "
      "limits: { outbox: 1048577, partial_timeout: 3600s } } ]");
  CHECK(text.find("shutdown_grace: 1m\n") != std::string::npos);
  CHECK(text.find("stall_warning: 1500ms\n") != std::string::npos);
  CHECK(text.find("outbox: 1048577\n") != std::string::npos);
  CHECK(text.find("partial_timeout: 1h\n") != std::string::npos);
  CHECK(text.find("- \"[::1]:1\"\n") != std::string::npos);
}

TEST_CASE("members of a plugin's settings that are called as secrets are, are masked") {
  const std::string text = printed(
      "services: [ { name: a, listen: 127.0.0.1:1 } ]\n"
      "plugins: { settings: { p: { config: { Password: a1, db_password: a2, api_token: a3, key: "
      "a4, "
      "apiKey: a5, secrets: [ a6, { x: a7 } ], keys: 1, monkey: m, keyboard: k } } } }");
  CHECK(text.find("a1") == std::string::npos);
  for (const char* secret : {"a2", "a3", "a4", "a5", "a6", "a7"})
    CHECK(text.find(std::string(" ") + secret) == std::string::npos);
  for (const char* shown : {"keys: 1\n", "monkey: m\n", "keyboard: k\n"})
    CHECK(text.find(shown) != std::string::npos);
}

TEST_CASE("text is quoted where it would mean something else without") {
  const std::string text = printed(
      "services: [ { name: a, listen: 127.0.0.1:1 } ]\n"
      "plugins: { settings: { p: { config: { a: '', b: 'yes', c: 'null', d: '010', e: 'x: y', "
      "f: '#', g: \"\\n\", h: '$$', i: 'plain', 'k: l': 1, '5': 2, 'on': '0x1', token: '${X:-abc}' "
      "} } } }");
  CHECK(text.find(R"(      config:
        a: ""
        b: "yes"
        c: "null"
        d: "010"
        e: "x: y"
        f: "#"
        g: "\n"
        h: "$$"
        i: plain
        "k: l": 1
        "5": 2
        "on": "0x1"
        token: "********"
)") != std::string::npos);
}

}  // namespace print_test
