// The keys about TLS and certificates: what they become, and what is wrong with them, word by word.
#include <doctest/doctest.h>

#include <ostream>
#include <string>

#include "certificates.hpp"
#include "config/load.hpp"
#include "config/print.hpp"

namespace tls_test {

using namespace vsoad::config;
using vsoa_test::certificate_authority;

// A service of these keys, one a line, from line 4 on.
std::string service(const std::string& keys) {
  return "services:\n  - name: a\n    listen: 127.0.0.1:1\n" + keys;
}

std::string findings(const std::string& text) {
  std::string out;
  for (const diagnostic& d : load_text("c.yaml", text).diagnostics)
    out += to_string(d) + '\n';
  return out;
}

TEST_CASE("all keys of tls, and certificates among the credentials") {
  certificate_authority ca;
  vsoa_test::certificate_wishes wishes;
  wishes.key_password = "sesame";
  const auto main = ca.issue(wishes);
  const auto other = ca.issue();
  const std::string text = service(
      "    credentials: [ { role: service, certificate: \"CN=gateway*\" }, { role: both, "
      "certificate: O=acme, password: x } ]\n"
      "    tls:\n      cert: " +
      main.cert + "\n      key: " + main.key +
      "\n      key_password: sesame\n      ca: " + ca.cert() +
      "\n      verify: optional\n      min_version: \"1.3\"\n      handshake_timeout: 2s\n"
      "      default_cas: true\n      sni: [ { host: \"*.a.example\", " +
      other.yaml() + " } ]\n");
  const load_result result = load_text("c.yaml", text);
  for (const diagnostic& d : result.diagnostics)
    MESSAGE(to_string(d));
  REQUIRE(result.ok());
  const service_settings& s = result.config->services[0];
  CHECK(s.credentials[0].certificate == "CN=gateway*");
  CHECK(s.credentials[0].password.empty());
  CHECK(s.credentials[1].password == "x");
  REQUIRE(s.tls);
  CHECK(s.tls->identity.cert == main.cert);
  CHECK(s.tls->identity.key == main.key);
  CHECK(s.tls->identity.key_password == "sesame");
  CHECK(s.tls->ca == ca.cert());
  CHECK(s.tls->default_cas);
  CHECK((s.tls->verify == vsoa::tls_verify::optional));
  CHECK((s.tls->min_version == vsoa::tls_version::v1_3));
  CHECK(s.tls->handshake_timeout == std::chrono::seconds(2));
  REQUIRE(s.tls->sni.size() == 1);
  CHECK(s.tls->sni[0].host == "*.a.example");
  CHECK(s.tls->sni[0].cert == other.cert);
  const std::string printed = print_yaml(*result.document);
  CHECK(printed.find("sesame") == std::string::npos);
  CHECK(printed.find("min_version: 1.3") != std::string::npos);
}

TEST_CASE("without tls there is none, also not in what is printed") {
  const load_result result = load_text("c.yaml", service(""));
  REQUIRE(result.ok());
  CHECK_FALSE(result.config->services[0].tls);
  CHECK(print_yaml(*result.document).find("tls") == std::string::npos);
}

TEST_CASE("the defaults of tls") {
  certificate_authority ca;
  const auto files = ca.issue();
  const load_result result = load_text("c.yaml", service("    tls: { " + files.yaml() + " }\n"));
  REQUIRE(result.ok());
  const auto& tls = *result.config->services[0].tls;
  CHECK((tls.verify == vsoa::tls_verify::usual));
  CHECK((tls.min_version == vsoa::tls_version::v1_2));
  CHECK_FALSE(tls.default_cas);
  CHECK(tls.handshake_timeout == std::chrono::seconds(5));
}

TEST_CASE("what is wrong with files is said at their keys") {
  certificate_authority ca;
  const auto a = ca.issue();
  const auto b = ca.issue();
  vsoa_test::certificate_wishes wishes;
  wishes.key_password = "sesame";
  const auto locked = ca.issue(wishes);
  CHECK(findings(service("    tls: {}\n")) ==
        "c.yaml:4:10: services[0].tls.cert: missing; write one such as cert: "
        "/etc/vsoad/cabin.crt\n");
  CHECK(findings(service("    tls:\n      cert: /nonexistent/a.crt\n      key: " + a.key + "\n")) ==
        "c.yaml:5:13: services[0].tls.cert: can't read \"/nonexistent/a.crt\": No such file or "
        "directory\n");
  CHECK(findings(service("    tls:\n      cert: " + a.cert + "\n      key: " + b.key + "\n")) ==
        "c.yaml:6:12: services[0].tls.key: the key in \"" + b.key +
            "\" does not belong to the certificate in \"" + a.cert + "\", the first one there\n");
  CHECK(findings(service("    tls:\n      cert: " + locked.cert + "\n      key: " + locked.key +
                         "\n")) == "c.yaml:5:13: services[0].tls.key_password: the key in \"" +
                                       locked.key + "\" is encrypted; give its password\n");
  CHECK(findings(service("    tls:\n      cert: " + locked.cert + "\n      key: " + locked.key +
                         "\n      key_password: guess\n")) ==
        "c.yaml:7:21: services[0].tls.key_password: the password does not open the key in \"" +
            locked.key + "\"\n");
  CHECK(findings(service("    tls:\n      cert: " + a.cert + "\n      key: " + a.key +
                         "\n      verify: required\n")) ==
        "c.yaml:7:15: services[0].tls.verify: there is no CA to verify with: give a file of CAs, "
        "or ask for the system's\n");
  CHECK(findings(service("    tls:\n      cert: a.crt\n")).find("is relative") !=
        std::string::npos);
  CHECK(findings(service("    tls:\n      cert: " + a.cert + "\n      key: " + a.key +
                         "\n      sni: [ { host: \"x y\", cert: " + a.cert + ", key: " + a.key +
                         " } ]\n"))
            .starts_with("c.yaml:7:22: services[0].tls.sni[0].host: \"x y\" is no host name"));
}

TEST_CASE("an expired certificate is a warning") {
  certificate_authority ca;
  vsoa_test::certificate_wishes wishes;
  wishes.begins_in_days = -5;
  wishes.ends_in_days = -1;
  const auto old = ca.issue(wishes);
  const std::string found =
      findings(service("    tls:\n      cert: " + old.cert + "\n      key: " + old.key + "\n"));
  CHECK(found.starts_with("c.yaml:5:13: warning: services[0].tls.cert: the certificate in"));
  CHECK(found.find("has expired on") != std::string::npos);
}

TEST_CASE("a credential has a password or a certificate, and the certificate is asked for") {
  CHECK(findings(service("    credentials: [ { role: r } ]\n")) ==
        "c.yaml:4:20: services[0].credentials[0].password: missing; write one such as password: "
        "!file /etc/vsoad/cabin.pw, or a certificate\n");
  CHECK(findings(service("    credentials: [ { role: r, certificate: CN=a } ]\n")) ==
        "c.yaml:4:44: services[0].credentials[0].certificate: clients of this service show no "
        "certificates; add tls with a ca\n");
  CHECK(findings(service("    credentials: [ { role: r, certificate: gateway } ]\n")) ==
        "c.yaml:4:44: services[0].credentials[0].certificate: \"gateway\" is not of the form "
        "TYPE=TEXT, such as CN=gateway*; write one such as CN=gateway*\n");
}

}  // namespace tls_test
