// The table: commands that another server answers.
#include "schema_text.hpp"

namespace vsoad::config {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr std::uint64_t max_upstream_path = 4096;
const type_spec upstream_verify_modes = choice({"none", "required"});
const type_spec upstream_tls_versions = choice({"1.2", "1.3"});

forward_settings& forward(builder& b) {
  return b.command().forward;
}

vsoa::tls_options& upstream_tls(builder& b) {
  return *forward(b).tls;
}

void note(builder& b, mention::what kind, const value& v) {
  b.note(kind, v, b.service().commands.size() - 1);
}

void note_upstream_file(builder& b, const value& v) {
  note(b, mention::what::forward_tls, v);
  b.note(mention::what::absolute_path, v);
}

rows target_rows() {
  return {
      {.path = "services[].commands.<url>.forward",
       .type = text(1, 600),
       .help = "In place of a plugin: the VSOA server that answers. A name is looked up among the "
               "services and position.entries of this file, then at position.upstream, then where "
               "all clients look. Publishes of that server on these URLs go to the subscribers, "
               "and datagrams of clients to that server.",
       .example = "vsoa://legacy",
       .store =
           [](builder& b, const value& v) {
             forward(b).url = v.text;
             note(b, mention::what::forward, v);
           }},
      {.path = "services[].commands.<url>.strip_prefix",
       .type = boolean(),
       .help = "Whether the server sees URLs without what this URL begins them with: behind /old/, "
               "/old/door is /door. The URL must end with /. Default: false.",
       .example = "true",
       .store =
           [](builder& b, const value& v) {
             forward(b).strip_prefix = v.flag;
             note(b, mention::what::strip_prefix, v);
             note(b, mention::what::forward_key, v);
           }},
      {.path = "services[].commands.<url>.password",
       .type = secret(1, 4096),
       .help = "The password that the server wants.",
       .example = "!file /etc/vsoad/legacy.pw",
       .store =
           [](builder& b, const value& v) {
             forward(b).password = v.text;
             note(b, mention::what::forward_key, v);
           }},
      {.path = "services[].commands.<url>.timeout",
       .type = duration(milliseconds{1}, hours{24}),
       .help = "For the answer, from when the call comes; then the call is answered NO_RESPONDING, "
               "and what is answered later is dropped. It may have been carried out. Default: 1m "
               "behind forward; a plugin has as long as it likes.",
       .example = "2s",
       .store =
           [](builder& b, const value& v) {
             forward(b).timeout = v.duration;
             b.command().timeout = v.duration;
           }},
  };
}

rows trust_rows() {
  return {
      {.path = "services[].commands.<url>.tls",
       .type = section(),
       .help = "TLS, and nothing less, to the server of forward. The quick channel is off then. "
               "The files are PEM and are read at start and at each reload.",
       .store =
           [](builder& b, const value& v) {
             forward(b).tls.emplace().default_cas = true;
             note(b, mention::what::forward_key, v);
             note(b, mention::what::forward_tls, v);
           }},
      {.path = "services[].commands.<url>.tls.ca",
       .type = text(1, max_upstream_path),
       .help = "File of the CAs that sign the server's certificate. Default: those that the system "
               "trusts.",
       .example = "/etc/vsoad/legacy-ca.crt",
       .store =
           [](builder& b, const value& v) {
             upstream_tls(b).ca = v.text;
             upstream_tls(b).default_cas = false;
             note_upstream_file(b, v);
           }},
      {.path = "services[].commands.<url>.tls.default_cas",
       .type = boolean(),
       .help = "Whether the CAs that the system trusts may sign it. Default: if there is no ca.",
       .example = "true",
       .store = [](builder& b, const value& v) { upstream_tls(b).default_cas = v.flag; }},
      {.path = "services[].commands.<url>.tls.host",
       .type = text(1, 253),
       .help = "The name that the certificate must have. Default: the host of forward.",
       .example = "legacy.example",
       .store = [](builder& b, const value& v) { upstream_tls(b).host = v.text; }},
      {.path = "services[].commands.<url>.tls.verify",
       .type = upstream_verify_modes,
       .help = "none: any certificate is taken, so that anybody on the way can pose as the server. "
               "Default: required.",
       .example = "required",
       .store =
           [](builder& b, const value& v) {
             upstream_tls(b).verify =
                 v.number == 0 ? vsoa::tls_verify::none : vsoa::tls_verify::required;
             note(b, mention::what::forward_tls, v);
           }},
      {.path = "services[].commands.<url>.tls.min_version",
       .type = upstream_tls_versions,
       .fallback = word_text(upstream_tls_versions, vsoa::tls_options{}.min_version),
       .help = "The oldest version of TLS that is spoken.",
       .example = "1.3",
       .store =
           [](builder& b, const value& v) {
             upstream_tls(b).min_version = static_cast<vsoa::tls_version>(v.number);
           }},
      {.path = "services[].commands.<url>.tls.handshake_timeout",
       .type = duration(milliseconds{10}, minutes{10}),
       .fallback = time_text(vsoa::tls_options{}.handshake_timeout),
       .help = "For the handshake of TLS.",
       .example = "2s",
       .store = [](builder& b, const value& v) { upstream_tls(b).handshake_timeout = v.duration; }},
  };
}

rows upstream_identity_rows() {
  return {
      {.path = "services[].commands.<url>.tls.cert",
       .type = text(1, max_upstream_path),
       .help = "File of our certificate, for a server that asks for one, followed by its "
               "intermediates.",
       .example = "/etc/vsoad/gateway.crt",
       .store =
           [](builder& b, const value& v) {
             upstream_tls(b).identity.cert = v.text;
             note_upstream_file(b, v);
           }},
      {.path = "services[].commands.<url>.tls.key",
       .type = text(1, max_upstream_path),
       .help = "File of its private key. Default: the file of the certificate.",
       .example = "/etc/vsoad/gateway.key",
       .store =
           [](builder& b, const value& v) {
             upstream_tls(b).identity.key = v.text;
             note_upstream_file(b, v);
           }},
      {.path = "services[].commands.<url>.tls.key_password",
       .type = secret(1, 1024),
       .help = "Password of an encrypted private key.",
       .example = "!file /etc/vsoad/gateway.pass",
       .store =
           [](builder& b, const value& v) {
             upstream_tls(b).identity.key_password = v.text;
             note(b, mention::what::forward_tls, v);
           }},
  };
}

}  // namespace

rows all_forward_rows() {
  rows out;
  for (const auto& part : {target_rows(), trust_rows(), upstream_identity_rows()})
    out.insert(out.end(), part.begin(), part.end());
  return out;
}

}  // namespace vsoad::config
