// What is wrong with TLS options and the files that they name, and what certificates say.

#include <doctest/doctest.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "file.hpp"
#include "tls_options.hpp"

namespace tls_options_test {

using namespace vsoa_test;
using vsoa::tls_problem;
using vsoa::tls_role;
using option = vsoa::tls_problem::option;

// The only problem of these options; throws if there is none or another besides.
tls_problem problem_of(const vsoa::tls_options& o, tls_role role = tls_role::server) {
  const auto all = vsoa::find_problems(o, role);
  REQUIRE(all.size() == 1);
  return all[0];
}

bool mentions(const tls_problem& p, const std::string& text) {
  INFO(p.message);
  return p.message.find(text) != std::string::npos;
}

TEST_CASE("good files have no problems, the key may be in the certificate's file") {
  certificate_authority ca;
  const auto files = ca.issue();
  CHECK(vsoa::find_problems(showing(files), tls_role::server).empty());
  const std::string both = ca.write("both.pem", read_file(files.cert) + read_file(files.key));
  CHECK(vsoa::find_problems(showing({both, ""}), tls_role::server).empty());
  vsoa::tls_options client = verifying(ca);
  CHECK(vsoa::find_problems(client, tls_role::client).empty());
  client.verify = vsoa::tls_verify::none;
  client.ca.clear();
  CHECK(vsoa::find_problems(client, tls_role::client).empty());
}

TEST_CASE("each file that can't be used is named, with the reason") {
  certificate_authority ca;
  const auto files = ca.issue();
  auto p = problem_of(showing({"/nonexistent/a.crt", files.key}));
  CHECK(p.where == option::cert);
  CHECK(mentions(p, "/nonexistent/a.crt"));
  CHECK(mentions(p, "No such file"));
  p = problem_of(showing({files.cert, "/nonexistent/a.key"}));
  CHECK(p.where == option::key);
  CHECK(mentions(p, "/nonexistent/a.key"));
  p = problem_of(showing({ca.directory().string(), files.key}));
  CHECK(mentions(p, "no file"));
  p = problem_of(showing({files.key, files.key}));
  CHECK(p.where == option::cert);
  CHECK(mentions(p, "holds no certificate"));
  p = problem_of(showing({files.cert, files.cert}));
  CHECK(p.where == option::key);
  CHECK(mentions(p, "holds no private key"));
  std::string damaged = read_file(files.cert);
  damaged.replace(100, 8, "????????");
  p = problem_of(showing({ca.write("damaged.crt", damaged), files.key}));
  CHECK(mentions(p, "damaged"));
  const std::string fifo = (ca.directory() / "fifo").string();
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  p = problem_of(showing({fifo, files.key}));  // and does not wait for a writer
  CHECK(mentions(p, "no file"));
}

TEST_CASE("a key must belong to its certificate, and its password open it") {
  certificate_authority ca;
  const auto files = ca.issue();
  const auto other = ca.issue();
  certificate_wishes wishes;
  wishes.key_password = "sesame";
  const auto locked = ca.issue(wishes);

  auto p = problem_of(showing({files.cert, other.key}));
  CHECK(p.where == option::key);
  CHECK(mentions(p, "does not belong"));
  p = problem_of(showing(locked));
  CHECK(p.where == option::key_password);
  CHECK(mentions(p, "is encrypted"));
  p = problem_of(showing(locked, "guess-word"));
  CHECK(p.where == option::key_password);
  CHECK(mentions(p, "does not open"));
  CHECK_FALSE(mentions(p, "guess-word"));
  CHECK(vsoa::find_problems(showing(locked, "sesame"), tls_role::server).empty());
  p = problem_of(showing(files, "sesame"));
  CHECK(p.is_warning);
}

TEST_CASE("dates that are over, or to come, are a warning") {
  certificate_authority ca;
  certificate_wishes old;
  old.begins_in_days = -10;
  old.ends_in_days = -1;
  auto p = problem_of(showing(ca.issue(old)));
  CHECK(p.is_warning);
  CHECK(mentions(p, "has expired on"));
  certificate_wishes early;
  early.begins_in_days = 10;
  early.ends_in_days = 20;
  p = problem_of(showing(ca.issue(early)));
  CHECK(p.is_warning);
  CHECK(mentions(p, "not valid before"));
}

TEST_CASE("options that contradict each other") {
  certificate_authority ca;
  const auto files = ca.issue();
  vsoa::tls_options o;
  auto p = vsoa::find_problems(o, tls_role::server);
  REQUIRE_FALSE(p.empty());
  CHECK(mentions(p[0], "must have a certificate"));
  o = showing(files);
  o.verify = vsoa::tls_verify::required;
  CHECK(problem_of(o).where == option::verify);
  o.verify = vsoa::tls_verify::none;
  o.ca = ca.cert();
  CHECK(problem_of(o).where == option::ca);
  o.verify = vsoa::tls_verify::usual;
  o.ca = "/nonexistent/ca.crt";
  CHECK(problem_of(o).where == option::ca);
  CHECK(problem_of({}, tls_role::client).where == option::verify);
  o = {};
  o.verify = vsoa::tls_verify::none;
  for (const auto& bad : {std::string("%x"), std::string(256, 'a'), std::string("*.example")}) {
    o.host = bad;
    CHECK(problem_of(o, tls_role::client).where == option::host);
  }
  for (const char* good : {"a.example", "10.0.0.1", "fe80::1%eth0"}) {
    o.host = good;
    CHECK(vsoa::find_problems(o, tls_role::client).empty());
  }
}

TEST_CASE("of several hosts, the problem names the one") {
  certificate_authority ca;
  const auto files = ca.issue();
  vsoa::tls_options o = showing(files);
  o.sni.resize(3);
  for (auto& each : o.sni)
    static_cast<vsoa::tls_identity&>(each) = to_identity(files);
  o.sni[0].host = "a.example";
  o.sni[1].host = "*.b.example";
  o.sni[2].host = "c.*.example";
  auto p = problem_of(o);
  CHECK(p.where == option::sni_host);
  CHECK(p.sni == 2);
  o.sni[2].host = "c.example";
  o.sni[1].key = "/nonexistent/b.key";
  p = problem_of(o);
  CHECK(p.where == option::key);
  CHECK(p.sni == 1);
}

vsoa::certificate_info read_pem(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "r");
  X509* cert = PEM_read_X509(file, nullptr, nullptr, nullptr);
  std::fclose(file);
  std::vector<std::byte> der(static_cast<std::size_t>(i2d_X509(cert, nullptr)));
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_X509(cert, &out);
  X509_free(cert);
  const auto info = vsoa::parse_certificate(der);
  REQUIRE(info);
  CHECK(info->der == der);
  der.push_back({});
  CHECK_FALSE(vsoa::parse_certificate(der));
  der.resize(der.size() / 2);
  CHECK_FALSE(vsoa::parse_certificate(der));
  return *info;
}

TEST_CASE("a certificate is taken apart") {
  certificate_authority ca("The CA");
  certificate_wishes wishes;
  wishes.name = "gateway-1, the \"first\"";
  wishes.organization = "acme";
  wishes.hosts = {"DNS:gateway.example", "IP:10.0.0.1", "IP:fd00::1", "URI:vsoa:gateway",
                  "email:a@acme.example"};
  const auto info = read_pem(ca.issue(wishes).cert);
  CHECK(info.version == 3);
  CHECK(info.serial_number == "03E9");
  CHECK(info.subject == std::vector<vsoa::certificate_name>{{"O", "acme"}, {"CN", wishes.name}});
  CHECK(info.subject_text() == R"(CN=gateway-1\, the \"first\",O=acme)");
  CHECK(info.issuer_text() == "CN=The CA");
  const std::vector<vsoa::certificate_name> names{{"DNS", "gateway.example"},
                                                  {"IP", "10.0.0.1"},
                                                  {"IP", "fd00::1"},
                                                  {"URI", "vsoa:gateway"},
                                                  {"email", "a@acme.example"}};
  CHECK(info.alternative_names == names);
  const auto now = std::chrono::system_clock::now();
  CHECK(info.not_before < now);
  CHECK(info.not_after > now);
  CHECK(info.not_after < now + std::chrono::hours(25));
  CHECK(info.key_algorithm == "EC");
  CHECK(info.key_bits == 256);
  CHECK(info.signature_algorithm == "ecdsa-with-SHA256");
  CHECK(info.sha256.size() == 64);
  CHECK_FALSE(vsoa::parse_certificate({}));
}

TEST_CASE("patterns mean certificates by parts of their subject and by alternative names") {
  vsoa::certificate_info cert;
  cert.subject = {{"O", "acme, inc"}, {"OU", "Cabin"}, {"CN", "gateway-17"}};
  cert.alternative_names = {{"DNS", "Gateway.Acme.example"}, {"IP", "10.0.0.1"}};
  for (const char* yes : {"CN=gateway*", "cn=gateway-??", "CN=*", "CN=gateway-17",
                          "DNS=*.acme.EXAMPLE", "IP=10.0.0.*", "CN=gateway*,OU=Cabin",
                          R"(O=acme\, inc)", "O=acme*,CN=*17", "CN=*a*e*-*7"}) {
    CAPTURE(yes);
    CHECK(matches(cert, yes));
  }
  for (const char* no :
       {"CN=gateway", "CN=Gateway*", "OU=gateway*", "CN=gateway-?", "CN=gateway*,OU=Garage",
        "DNS=acme.example", "CN=?", R"(CN=gateway\*)", "", "gateway*", "CN=", "CN=a,", "=a"}) {
    CAPTURE(no);
    CHECK_FALSE(matches(cert, no));
  }
  CHECK(vsoa::pattern_problem("CN=gateway*,O=x").empty());
  for (const char* bad : {"", "gateway", "CN=", "=x", "CN=a,", "CN=a,,O=b", "CN=a\\"}) {
    CAPTURE(bad);
    CHECK_FALSE(vsoa::pattern_problem(bad).empty());
  }
}

}  // namespace tls_options_test
