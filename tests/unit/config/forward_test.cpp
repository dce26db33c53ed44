// Commands that another server answers: what they become, and what is wrong with them, word by
// word.
#include <doctest/doctest.h>

#include <ostream>
#include <string>

#include "certificates.hpp"
#include "config/load.hpp"
#include "config/print.hpp"

namespace forward_test {

using namespace vsoad::config;

// Its commands, one a line, from line 5 on.
std::string service(const std::string& commands, const std::string& name = "a",
                    const std::string& listen = "127.0.0.1:3005") {
  return "  - name: " + name + "\n    listen: " + listen + "\n    commands:\n" + commands;
}

std::string findings(const std::string& services) {
  std::string out;
  for (const diagnostic& d : load_text("c.yaml", "services:\n" + services).diagnostics)
    out += to_string(d) + '\n';
  return out;
}

std::string entry(const std::string& keys) {
  return findings(service("      /old/: { " + keys + " }\n"));
}

const std::string at = "services[0].commands./old/";

TEST_CASE("all keys of a forwarded command") {
  vsoa_test::certificate_authority ca;
  const auto files = ca.issue();
  const load_result result = load_text(
      "c.yaml", "services:\n" + service("      /old/: { forward: \"vsoa://legacy\", strip_prefix: "
                                        "true, password: sesame, timeout: 2s, tls: { ca: " +
                                        ca.cert() + ", " + files.yaml() +
                                        ", host: a.example, min_version: \"1.3\", verify: none, "
                                        "handshake_timeout: 1s } }\n"
                                        "      /plain/: { forward: \"vsoa://10.0.0.9:3001\" }\n"
                                        "      /echo: { plugin: echo }\n"));
  for (const diagnostic& d : result.diagnostics)
    MESSAGE(to_string(d));
  REQUIRE(result.ok());
  const auto& commands = result.config->services[0].commands;
  REQUIRE(commands.size() == 3);
  const forward_settings& f = commands[0].forward;
  CHECK(f.url == "vsoa://legacy");
  CHECK(f.strip_prefix);
  CHECK(f.password == "sesame");
  CHECK(f.timeout == std::chrono::seconds(2));
  REQUIRE(f.tls);
  CHECK(f.tls->ca == ca.cert());
  CHECK_FALSE(f.tls->default_cas);
  CHECK(f.tls->identity.cert == files.cert);
  CHECK(f.tls->host == "a.example");
  CHECK((f.tls->verify == vsoa::tls_verify::none));
  CHECK((f.tls->min_version == vsoa::tls_version::v1_3));
  CHECK(f.tls->handshake_timeout == std::chrono::seconds(1));
  CHECK_FALSE(commands[1].forward.strip_prefix);
  CHECK(commands[1].forward.timeout == std::chrono::minutes(1));
  CHECK_FALSE(commands[1].forward.tls);
  CHECK(commands[2].forward.url.empty());
  CHECK_FALSE(commands[2].timeout);
  const std::string printed = print_yaml(*result.document);
  CHECK(printed.find("sesame") == std::string::npos);
  CHECK(printed.find("password: \"********\"") != std::string::npos);
  CHECK(printed.find("strip_prefix: true") != std::string::npos);
}

TEST_CASE("what is printed of forwarded commands can be read again") {
  const load_result first =
      load_text("c.yaml", "services:\n" + service("      /old/: { forward: \"vsoa://legacy\" }\n"
                                                  "      /echo: { plugin: echo }\n"));
  REQUIRE(first.ok());
  const load_result second = load_text("c.yaml", print_yaml(*first.document));
  for (const diagnostic& d : second.diagnostics)
    MESSAGE(to_string(d));
  CHECK(second.ok());
}

TEST_CASE("either a plugin or a forward") {
  CHECK(entry("plugin: echo, forward: \"vsoa://x\"") ==
        "c.yaml:5:24: " + at + ".plugin: stands beside forward; remove one of the two\n");
  CHECK(entry("") == "c.yaml:5:7: " + at +
                         ".plugin: missing; write one such as plugin: echo, or forward: "
                         "vsoa://legacy\n");
  CHECK(entry("forward: \"vsoa://x\", command: /c") ==
        "c.yaml:5:46: " + at + ".command: has no meaning beside forward; remove it\n");
  CHECK(entry("plugin: echo, strip_prefix: true") ==
        "c.yaml:5:44: " + at +
            ".strip_prefix: has a meaning beside forward only; write forward: vsoa://name, or "
            "remove it\n");
}

TEST_CASE("the URL of the other server") {
  CHECK(entry("forward: \"http://x\"")
            .find(": \"http://x\" is not a server's URL; write one such as vsoa://legacy or "
                  "vsoa://10.0.0.9:3001\n") != std::string::npos);
  CHECK(entry("forward: \"vsoa://10.0.0.9\"").find("has no port, which an address needs") !=
        std::string::npos);
  CHECK(entry("forward: \"vsoa://legacy/door\"").find("has a path; write the server alone") !=
        std::string::npos);
  CHECK(findings(service("      /one: { forward: \"vsoa://x\", strip_prefix: true }\n")) ==
        "c.yaml:5:50: services[0].commands./one.strip_prefix: nothing of \"/one\" would be left; "
        "it needs a URL that ends with \"/\"\n");
}

TEST_CASE("in a circle") {
  CHECK(entry("forward: \"vsoa://A\"") ==
        "c.yaml:5:25: " + at +
            ".forward: \"vsoa://A\" is this service itself; name another server\n");
  CHECK(entry("forward: \"vsoa://localhost:3005\"").find("is this service itself") !=
        std::string::npos);
  const std::string back =
      service("      /old/: { forward: \"vsoa://a\" }\n", "b", "127.0.0.1:3006");
  const std::string round = findings(service("      /old/: { forward: \"vsoa://b\" }\n") + back);
  CHECK(round.find(at + ".forward: a call would go in a circle: service \"b\" forwards it back; "
                        "remove one of the two\n") != std::string::npos);
  // By a name of the position server's, which comes before those of the services.
  const std::string named =
      findings(service("      /old/: { forward: \"vsoa://other\" }\n") + back +
               "position: { entries: [ { name: Other, address: 127.0.0.1, port: 3006 } ] }\n");
  CHECK(named.find("a call would go in a circle: service \"b\"") != std::string::npos);
  // There the prefix is gone, and nothing takes what is left.
  CHECK(findings(service("      /old/: { forward: \"vsoa://b\", strip_prefix: true }\n") +
                 service("      /new/: { forward: \"vsoa://a\", strip_prefix: true }\n", "b",
                         "127.0.0.1:3006"))
            .empty());
}

TEST_CASE("files of TLS that are no good") {
  const std::string text = entry("forward: \"vsoa://x\", tls: { ca: /nowhere/ca.crt }");
  CHECK(text.find(at + ".tls.ca: ") != std::string::npos);
  CHECK(entry("forward: \"vsoa://x\", tls: { ca: ca.crt }").find("is relative") !=
        std::string::npos);
}

}  // namespace forward_test
