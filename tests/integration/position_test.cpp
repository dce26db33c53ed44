// The position server: names of services and of configured entries, asked by UDP and JSON.
#include <doctest/doctest.h>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace position_test {

using namespace vsoa_test;

std::string config(const std::string& position, const std::string& service_listen,
                   const std::string& service_rest = {}) {
  return with_plugins("position:\n" + position +
                      "services:\n  - name: Cabin\n    listen: " + service_listen +
                      "\n    commands: { /echo: { plugin: echo } }\n" + service_rest);
}

std::string ask(udp_peer& client, const endpoint& server, const std::string& query) {
  client.send_to(server, query);
  const auto answer = client.receive();
  REQUIRE(answer);
  return *answer;
}

std::string answer_of(const std::string& name, const endpoint& where, bool secure = false) {
  const bool v6 = where.ip.find(':') != std::string::npos;
  return R"({"name":")" + name + R"(","domain":)" + (v6 ? "10" : "2") + R"(,"addr":")" + where.ip +
         R"(","port":)" + std::to_string(where.port) + R"(,"security":)" +
         (secure ? "true" : "false") + "}";
}

const std::string entries = R"(  listen: "127.0.0.1:0"
  entries:
    - { name: Legacy, address: 10.0.0.9, port: 3001, secure: true }
    - { name: both, address: "fd00::9", port: 65535 }
    - { name: both, address: 10.0.0.8, port: 1 }
)";

TEST_CASE("services and entries are found, whatever the case of the letters") {
  const daemon_runner vsoad{config(entries, "\"127.0.0.1:0\"")};
  udp_peer client;
  const auto lookup = [&](const std::string& q) { return ask(client, vsoad.position(), q); };
  const endpoint cabin = vsoad.service("Cabin");
  for (const char* name : {"Cabin", "cabin", "CABIN"}) {
    const std::string answer = lookup(std::string(R"({"name":")") + name + "\"}");
    CHECK(answer.substr(answer.find(",\"domain")) ==
          answer_of("", cabin).substr(answer_of("", cabin).find(",\"domain")));
  }
  CHECK(lookup(R"({"name":"legacy"})")
            .ends_with(R"("domain":2,"addr":"10.0.0.9","port":3001,"security":true})"));
  CHECK(lookup(R"({"name":"nobody"})") == "{}");
  CHECK(lookup(R"({"name":"cabi"})") == "{}");
}

TEST_CASE("a domain selects, as a number or as text") {
  const daemon_runner vsoad{config(entries, "\"127.0.0.1:0\"")};
  udp_peer client;
  const auto lookup = [&](const std::string& rest) {
    return ask(client, vsoad.position(), R"({"name": "both")" + rest + "}");
  };
  for (const char* any : {"", R"(, "domain": null)", R"(, "domain": 0)", R"(, "domain": -1)",
                          R"(, "domain": 10)", R"(,"domain":"10")"}) {
    CAPTURE(std::string(any));
    CHECK(lookup(any).find(R"("domain":10,"addr":"fd00::9","port":65535)") != std::string::npos);
  }
  for (const char* v4 : {R"(, "domain": 2)", R"(,"domain":"2")"}) {
    CAPTURE(std::string(v4));
    CHECK(lookup(v4).find(R"("domain":2,"addr":"10.0.0.8","port":1,)") != std::string::npos);
  }
  CHECK(lookup(R"(, "domain": 77)") == "{}");
  CHECK(ask(client, vsoad.position(), R"({"name":"cabin","domain":10})") == "{}");
}

TEST_CASE("queries as official clients write them, with blanks and trailing NULs") {
  const daemon_runner vsoad{config(entries, "\"127.0.0.1:0\"")};
  udp_peer client;
  using namespace std::string_literals;
  for (const std::string& query :
       {R"({"name": "legacy", "domain": 2})"s, R"({"domain":2,"name":"legacy","more":[{}]})"s,
        " {\"name\":\"\\u006cegacy\"} \r\n"s, "{\"name\":\"legacy\"}\0"s,
        "{\"name\":\"legacy\"}\n\0\0"s}) {
    CAPTURE(query);
    CHECK(ask(client, vsoad.position(), query).find("10.0.0.9") != std::string::npos);
  }
}

TEST_CASE("what is no query is dropped in silence, and the next one is answered") {
  const daemon_runner vsoad{config(entries, "\"127.0.0.1:0\"")};
  udp_peer client;
  std::string deep(60000, '[');
  for (const std::string& query :
       {std::string{}, std::string("null"), std::string("[]"), std::string("\"legacy\""),
        std::string("{}"), std::string(R"({"name":""})"), std::string(R"({"name":7})"),
        std::string(R"({"name":null})"), std::string(R"({"name":"legacy")"),
        std::string(R"({"name":"legacy"}x)"), std::string("\xFF\xFE{"), deep,
        R"({"name":")" + std::string(600, 'n') + "\"}", std::string(65000, '\0')})
    client.send_to(vsoad.position(), query);
  CHECK(ask(client, vsoad.position(), R"({"name":"legacy"})").find("10.0.0.9") !=
        std::string::npos);
  CHECK_FALSE(client.receive(quiet));
}

TEST_CASE("a service on a wildcard address is found at the address that was asked") {
  const daemon_runner vsoad{
      config("  listen: \"0.0.0.0:0\"\n", "\"0.0.0.0:0\"", "    advertise: 127.0.0.7\n") +
      "  - name: open\n    listen: \"0.0.0.0:0\"\n    commands: { /echo: { plugin: echo } }\n"};
  for (const char* ip : {"127.0.0.1", "127.0.0.3"}) {
    udp_peer client;
    const endpoint asked{ip, vsoad.position().port};
    const endpoint expected{ip, vsoad.service("open").port};
    CHECK(ask(client, asked, R"({"name":"open"})") == answer_of("open", expected));
    // `advertise` says otherwise.
    CHECK(ask(client, asked, R"({"name":"Cabin"})") ==
          answer_of("Cabin", {"127.0.0.7", vsoad.service("Cabin").port}));
  }
}

TEST_CASE("the answer comes from the address that was asked") {
  const daemon_runner vsoad{config("  listen: \"0.0.0.0:0\"\n", "\"127.0.0.1:0\"")};
  udp_peer client;
  client.send_to({"127.0.0.5", vsoad.position().port}, R"({"name":"x"})");
  endpoint from;
  REQUIRE(client.receive(patience, &from));
  CHECK(from.ip == "127.0.0.5");
}

TEST_CASE("IPv6: asked there, and services there") {
  const daemon_runner vsoad{
      config("  listen: [ \"[::1]:0\", \"127.0.0.1:0\" ]\n", "[ \"127.0.0.1:0\", \"[::1]:0\" ]")};
  udp_peer v6{"::1"};
  const endpoint there = vsoad.service("Cabin", 1);
  CHECK(ask(v6, vsoad.position(0), R"({"name":"Cabin","domain":10})") == answer_of("Cabin", there));
  CHECK(ask(v6, vsoad.position(0), R"({"name":"Cabin","domain":2})") ==
        answer_of("Cabin", vsoad.service("Cabin", 0)));
  udp_peer v4;
  CHECK(ask(v4, vsoad.position(1), R"({"name":"Cabin","domain":10})") == answer_of("Cabin", there));
}

TEST_CASE("names that are not known here are asked upstream") {
  udp_peer upstream;
  const daemon_runner vsoad{config("  listen: \"127.0.0.1:0\"\n  upstream: \"127.0.0.1:" +
                                       std::to_string(upstream.port()) + "\"\n",
                                   "\"127.0.0.1:0\"")};
  udp_peer client;
  client.send_to(vsoad.position(), R"({"name":"Far","domain":2})");
  endpoint from;
  const auto query = upstream.receive(patience, &from);
  REQUIRE(query);
  CHECK(query->find("\"Far\"") != std::string::npos);
  CHECK(query->find("\"domain\":2") != std::string::npos);
  const std::string answer = answer_of("Far", {"10.1.1.1", 4000});
  // A stranger's answer is not believed.
  udp_peer liar;
  liar.send_to(from, answer_of("Far", {"6.6.6.6", 666}));
  upstream.send_to(from, answer);
  CHECK(client.receive() == answer);
  // Known names are not asked for.
  CHECK(ask(client, vsoad.position(), R"({"name":"Cabin"})") != "{}");
  CHECK_FALSE(upstream.receive(quiet));
  // What upstream does not know is unknown.
  client.send_to(vsoad.position(), R"({"name":"None"})");
  REQUIRE(upstream.receive(patience, &from));
  upstream.send_to(from, "{}");
  CHECK(client.receive() == "{}");
}

}  // namespace position_test
