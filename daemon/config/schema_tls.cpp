// The table: who may use a service, and TLS.
#include "schema_text.hpp"

namespace vsoad::config {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr std::uint64_t max_path = 4096;
const type_spec verify_modes = choice({"none", "optional", "required"});
const type_spec tls_versions = choice({"1.2", "1.3"});

vsoa::tls_options& tls(builder& b) {
  return *b.service().tls;
}

void note_file(builder& b, const value& v) {
  b.note(mention::what::tls, v);
  b.note(mention::what::absolute_path, v);
}

rows credential_rows() {
  return {
      {.path = "services[].credentials[]",
       .type = list(),
       .help = "Passwords and certificates that open the service. None: it is open to all. The "
               "first that matches gives the role.",
       .store =
           [](builder& b, const value& v) {
             b.service().credentials.emplace_back();
             b.note(mention::what::credential, v, b.service().credentials.size() - 1);
           }},
      {.path = "services[].credentials[].role",
       .type = plain(kind::name),
       .required = true,
       .help = "Role of the clients that have this password or certificate.",
       .example = "operator",
       .store = [](builder& b, const value& v) { b.service().credentials.back().role = v.text; }},
      {.path = "services[].credentials[].password",
       .type = secret(1, 4096),
       .help = "The password. Beside a certificate both are asked for.",
       .example = "!file /etc/vsoad/cabin.pw",
       .store = [](builder& b,
                   const value& v) { b.service().credentials.back().password = v.text; }},
      {.path = "services[].credentials[].certificate",
       .type = text(1, 1024),
       .help = "What the client's certificate must say, one or more TYPE=TEXT with commas between "
               "them: a part of its subject, such as CN or O, or an alternative name: DNS, IP, URI "
               "or email. In TEXT * stands for anything, ? for one byte, and \\ makes the next "
               "character plain. Needs tls that verifies clients.",
       .example = "CN=gateway*",
       .store =
           [](builder& b, const value& v) {
             b.service().credentials.back().certificate = v.text;
             b.note(mention::what::certificate_pattern, v);
           }},
  };
}

rows identity_rows() {
  return {
      {.path = "services[].tls",
       .type = section(),
       .help =
           "TLS on all addresses of the service. Without it they are in the clear. The quick "
           "channel is off under TLS. The files are PEM, named by absolute paths, read at start "
           "and at each reload. To switch TLS on or off closes the service's clients.",
       .store =
           [](builder& b, const value& v) {
             b.service().tls.emplace();
             b.note(mention::what::tls, v);
           }},
      {.path = "services[].tls.cert",
       .type = text(1, max_path),
       .required = true,
       .help = "File of the certificate, followed by its intermediates.",
       .example = "/etc/vsoad/cabin.crt",
       .store =
           [](builder& b, const value& v) {
             tls(b).identity.cert = v.text;
             note_file(b, v);
           }},
      {.path = "services[].tls.key",
       .type = text(1, max_path),
       .help = "File of its private key. Default: the file of the certificate.",
       .example = "/etc/vsoad/cabin.key",
       .store =
           [](builder& b, const value& v) {
             tls(b).identity.key = v.text;
             note_file(b, v);
           }},
      {.path = "services[].tls.key_password",
       .type = secret(1, 1024),
       .help = "Password of an encrypted private key.",
       .example = "!file /etc/vsoad/cabin.pass",
       .store =
           [](builder& b, const value& v) {
             tls(b).identity.key_password = v.text;
             b.note(mention::what::tls, v);
           }},
  };
}

rows verification_rows() {
  const vsoa::tls_options usual;
  return {
      {.path = "services[].tls.ca",
       .type = text(1, max_path),
       .help = "File of the CAs that sign the certificates of clients.",
       .example = "/etc/vsoad/clients-ca.crt",
       .store =
           [](builder& b, const value& v) {
             tls(b).ca = v.text;
             note_file(b, v);
           }},
      {.path = "services[].tls.default_cas",
       .type = boolean(),
       .fallback = {usual.default_cas ? "true" : "false"},
       .help = "Whether the CAs that the system trusts may sign them too.",
       .example = "true",
       .store = [](builder& b, const value& v) { tls(b).default_cas = v.flag; }},
      {.path = "services[].tls.verify",
       .type = verify_modes,
       .help = "Certificates of clients: none: not asked for. optional: a client may have one, "
               "which must be good. required: it must have one. Default: required if there is a "
               "ca or default_cas, else none.",
       .example = "required",
       .store =
           [](builder& b, const value& v) {
             constexpr vsoa::tls_verify modes[] = {
                 vsoa::tls_verify::none, vsoa::tls_verify::optional, vsoa::tls_verify::required};
             tls(b).verify = modes[v.number];
             b.note(mention::what::tls, v);
           }},
      {.path = "services[].tls.min_version",
       .type = tls_versions,
       .fallback = word_text(tls_versions, usual.min_version),
       .help = "The oldest version of TLS that clients may speak.",
       .example = "1.3",
       .store =
           [](builder& b, const value& v) {
             tls(b).min_version = static_cast<vsoa::tls_version>(v.number);
           }},
      {.path = "services[].tls.handshake_timeout",
       .type = duration(milliseconds{10}, minutes{10}),
       .fallback = time_text(usual.handshake_timeout),
       .help = "For the handshake of TLS; that of VSOA begins behind it.",
       .example = "2s",
       .store = [](builder& b, const value& v) { tls(b).handshake_timeout = v.duration; }},
  };
}

rows sni_rows() {
  return {
      {.path = "services[].tls.sni[]",
       .type = list(),
       .help = "Other certificates, for clients that ask for another host. One that is asked for "
               "by none of these names, or by no name, gets the service's own.",
       .store = [](builder& b, const value&) { tls(b).sni.emplace_back(); }},
      {.path = "services[].tls.sni[].host",
       .type = text(1, 253),
       .required = true,
       .help = "The host, in upper or lower case; *.example stands for one more label.",
       .example = "cabin.example",
       .store =
           [](builder& b, const value& v) {
             tls(b).sni.back().host = v.text;
             b.note(mention::what::tls, v);
           }},
      {.path = "services[].tls.sni[].cert",
       .type = text(1, max_path),
       .required = true,
       .help = "As services[].tls.cert.",
       .example = "/etc/vsoad/cabin.example.crt",
       .store =
           [](builder& b, const value& v) {
             tls(b).sni.back().cert = v.text;
             note_file(b, v);
           }},
      {.path = "services[].tls.sni[].key",
       .type = text(1, max_path),
       .help = "File of its private key. Default: the file of the certificate.",
       .example = "/etc/vsoad/cabin.example.key",
       .store =
           [](builder& b, const value& v) {
             tls(b).sni.back().key = v.text;
             note_file(b, v);
           }},
      {.path = "services[].tls.sni[].key_password",
       .type = secret(1, 1024),
       .help = "Password of an encrypted private key.",
       .example = "!file /etc/vsoad/cabin.example.pass",
       .store =
           [](builder& b, const value& v) {
             tls(b).sni.back().key_password = v.text;
             b.note(mention::what::tls, v);
           }},
  };
}

}  // namespace

rows all_security_rows() {
  rows out;
  for (const auto& part : {credential_rows(), identity_rows(), verification_rows(), sni_rows()}) {
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

}  // namespace vsoad::config
