#include "check_tls.hpp"

#include <string>
#include <string_view>

#include "vsoa/tls.hpp"

namespace vsoad::config {

namespace {

using what = mention::what;

std::string_view key_of(vsoa::tls_problem::option o) {
  using option = vsoa::tls_problem::option;
  switch (o) {
    case option::cert:
      return "cert";
    case option::key:
      return "key";
    case option::key_password:
      return "key_password";
    case option::ca:
      return "ca";
    case option::verify:
      return "verify";
    case option::sni_host:
    case option::host:
      return "host";
  }
  return "cert";
}

/// Where the key was written; the section, or the certificate that goes with it, if it was not.
const mention* find_written(const builder& built, std::string_view path) {
  for (const mention& m : built.mentions) {
    if ((m.kind == what::tls || m.kind == what::forward_tls) && m.written.path == path) return &m;
  }
  return nullptr;
}

bool verifies_clients(const service_settings& s) {
  if (!s.tls) return false;
  if (s.tls->verify == vsoa::tls_verify::usual) return !s.tls->ca.empty() || s.tls->default_cas;
  return s.tls->verify != vsoa::tls_verify::none;
}

void check_credential(const builder& built, const mention& m, report& findings) {
  const vsoa::credential& c = built.config.services[m.service].credentials[m.element];
  const bool is_written = !c.password.empty() || !c.certificate.empty();
  if (is_written || findings.has_error_below(m.written.path)) return;
  findings.error(m.written.at, m.written.path + ".password",
                 "missing; write one such as password: !file /etc/vsoad/cabin.pw, or a "
                 "certificate");
}

void check_pattern(const builder& built, const mention& m, report& findings) {
  const std::string problem = vsoa::pattern_problem(m.written.text);
  if (!problem.empty()) {
    findings.error(m.written.at, m.written.path, problem + "; write one such as CN=gateway*");
  } else if (!verifies_clients(built.config.services[m.service])) {
    findings.error(m.written.at, m.written.path,
                   "clients of this service show no certificates; add tls with a ca");
  }
}

}  // namespace

void check_tls_files(const builder& built, const vsoa::tls_options& options, vsoa::tls_role role,
                     const std::string& section, report& findings) {
  for (const auto& p : vsoa::find_problems(options, role)) {
    std::string owner = section;
    if (p.sni) owner += ".sni[" + std::to_string(*p.sni) + ']';
    const std::string path = owner + '.' + std::string(key_of(p.where));
    const mention* at = find_written(built, path);
    if (at == nullptr) at = find_written(built, owner + ".cert");
    if (at == nullptr) at = find_written(built, section);
    const place where = at == nullptr ? place{} : at->written.at;
    if (p.is_warning) {
      findings.warning(where, path, p.message);
    } else {
      findings.error(where, path, p.message);
    }
  }
}

void check_tls(const builder& built, bool read_files, report& findings) {
  for (const mention& m : built.mentions) {
    if (m.kind == what::credential) check_credential(built, m, findings);
    if (m.kind == what::certificate_pattern) check_pattern(built, m, findings);
  }
  if (!read_files) return;
  for (std::size_t i = 0; i < built.config.services.size(); ++i) {
    const auto& tls = built.config.services[i].tls;
    if (!tls || tls->identity.cert.empty()) continue;
    check_tls_files(built, *tls, vsoa::tls_role::server, "services[" + std::to_string(i) + "].tls",
                    findings);
  }
}

}  // namespace vsoad::config
