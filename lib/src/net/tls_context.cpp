#include "net/tls_context.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <new>
#include <utility>

#include "net/tls_files.hpp"
#include "vsoa/address.hpp"

namespace vsoa::net {
namespace {

using option = tls_problem::option;

// Of the certificates that a client shows, on the wire.
constexpr long max_client_certificate_bytes = 32L << 10;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string last_error() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason == nullptr ? "unknown error" : reason;
}

tls_verify effective(const tls_options& o, tls_role role) {
  if (o.verify == tls_verify::usual) {
    const bool has_cas = !o.ca.empty() || o.default_cas;
    return role == tls_role::client || has_cas ? tls_verify::required : tls_verify::none;
  }
  if (role == tls_role::client && o.verify == tls_verify::optional) return tls_verify::required;
  return o.verify;
}

int verify_flags(tls_verify v) {
  switch (v) {
    case tls_verify::optional:
      return SSL_VERIFY_PEER;
    case tls_verify::required:
      return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    case tls_verify::usual:
    case tls_verify::none:
      break;
  }
  return SSL_VERIFY_NONE;
}

bool is_host(std::string_view host) {
  if (host.starts_with("*.")) host.remove_prefix(2);
  return !host.empty() && host.size() <= 253 && host.find_first_of("*/ :") == host.npos;
}

// "*.example" covers "a.example", and neither "example" nor "a.b.example".
bool covers(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return pattern == host;
  const std::size_t dot = host.find('.');
  return dot != 0 && dot != host.npos && host.substr(dot) == pattern.substr(1);
}

// What the contexts of one set of options share: how the other side is verified.
class context_maker {
 public:
  context_maker(const tls_options& o, tls_role role, std::vector<tls_problem>& problems)
      : options_(o), role_(role), problems_(problems), verify_(effective(o, role)) {
    tls_findings findings(problems_);
    if (!o.ca.empty()) cas_ = read_certificates(o.ca, option::ca, findings);
    if (verify_ == tls_verify::none) {
      if (!o.ca.empty() && role == tls_role::server) {
        findings.error(option::ca,
                       "CAs are given, but clients are not verified: set verify to "
                       "optional or required, or leave the CAs out");
      }
    } else if (o.ca.empty() && !o.default_cas) {
      findings.error(option::verify,
                     "there is no CA to verify with: give a file of CAs, or ask "
                     "for the system's");
    }
  }

  bool verifies() const noexcept { return verify_ != tls_verify::none; }

  ssl_context_ptr make(const tls_identity& identity, std::optional<std::size_t> sni) {
    tls_findings findings(problems_, sni);
    ssl_context_ptr context(
        SSL_CTX_new(role_ == tls_role::server ? TLS_server_method() : TLS_client_method()));
    if (!context) throw std::bad_alloc();
    set_up(*context);
    if (!identity.cert.empty()) use(*context, identity, findings);
    return findings.failed() ? nullptr : std::move(context);
  }

 private:
  void set_up(SSL_CTX& c) {
    SSL_CTX_set_min_proto_version(
        &c, options_.min_version == tls_version::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    // Connections last: to resume sessions would save little, and cost memory and care.
    SSL_CTX_set_session_cache_mode(&c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(&c, 0);
    SSL_CTX_set_options(&c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                SSL_OP_CIPHER_SERVER_PREFERENCE);
    // An idle connection holds no record buffers, 34 KiB a pair.
    SSL_CTX_set_mode(&c, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(&c, verify_flags(verify_), nullptr);
    if (role_ == tls_role::server) SSL_CTX_set_max_cert_list(&c, max_client_certificate_bytes);
    if (!verifies()) return;
    if (options_.default_cas) SSL_CTX_set_default_verify_paths(&c);
    for (const x509_ptr& ca : cas_) {
      X509_STORE_add_cert(SSL_CTX_get_cert_store(&c), ca.get());
      if (role_ == tls_role::server) SSL_CTX_add_client_CA(&c, ca.get());
    }
    ERR_clear_error();
  }

  static void use(SSL_CTX& c, const tls_identity& files, tls_findings& findings) {
    loaded_identity id = read_identity(files, findings);
    if (findings.failed()) return;
    ERR_clear_error();
    bool good = SSL_CTX_use_certificate(&c, id.cert.get()) == 1 &&
                SSL_CTX_use_PrivateKey(&c, id.key.get()) == 1;
    for (const x509_ptr& each : id.chain)
      good = good && SSL_CTX_add1_chain_cert(&c, each.get()) == 1;
    if (!good) findings.error(option::cert, "can't use \"" + files.cert + "\": " + last_error());
  }

  const tls_options& options_;
  const tls_role role_;
  std::vector<tls_problem>& problems_;
  const tls_verify verify_;
  std::vector<x509_ptr> cas_;
};

bool has_error(const std::vector<tls_problem>& problems) {
  return std::any_of(problems.begin(), problems.end(), [](const auto& p) { return !p.is_warning; });
}

bool is_ip(const std::string& host) {
  return ip_address::parse(host).has_value();
}

// An IPv6 address's zone is nobody's name.
std::string without_zone(const std::string& host) {
  return host.substr(0, host.find('%'));
}

bool can_be_verified(const std::string& host) {
  const std::string name = without_zone(host);
  return is_ip(name) || (is_host(name) && !name.starts_with('*'));
}

void check_options(const tls_options& o, tls_role role, std::vector<tls_problem>& problems) {
  tls_findings findings(problems);
  if (role == tls_role::server && o.identity.cert.empty()) {
    findings.error(option::cert, "a server must have a certificate");
  }
  if (o.identity.cert.empty() && !o.identity.key.empty()) {
    findings.error(option::key, "there is a key without a certificate");
  }
  if (role == tls_role::client && !o.host.empty() && !can_be_verified(o.host)) {
    findings.error(option::host, "\"" + o.host + "\" is neither a host name nor an IP address");
  }
  for (std::size_t i = 0; i < o.sni.size(); ++i) {
    tls_findings of_one(problems, i);
    if (!is_host(o.sni[i].host)) {
      of_one.error(option::sni_host, "\"" + o.sni[i].host +
                                         "\" is no host name; write one such as a.example or "
                                         "*.example");
    }
    if (o.sni[i].cert.empty()) of_one.error(option::cert, "there is no certificate for this host");
  }
}

}  // namespace

void free_ssl::operator()(SSL* s) const noexcept {
  SSL_free(s);
}
void free_ssl::operator()(SSL_CTX* s) const noexcept {
  SSL_CTX_free(s);
}
void free_ssl::operator()(X509* s) const noexcept {
  X509_free(s);
}
void free_ssl::operator()(EVP_PKEY* s) const noexcept {
  EVP_PKEY_free(s);
}

std::shared_ptr<const tls_context> tls_context::load(const tls_options& options, tls_role role) {
  std::vector<tls_problem> problems;
  auto context = load(options, role, problems);
  for (tls_problem& p : problems) {
    if (!p.is_warning) throw tls_error(std::move(p));
  }
  return context;
}

std::shared_ptr<const tls_context> tls_context::load(const tls_options& options, tls_role role,
                                                     std::vector<tls_problem>& problems) {
  check_options(options, role, problems);
  context_maker maker(options, role, problems);
  const std::shared_ptr<tls_context> self(new tls_context);
  self->role_ = role;
  self->verifies_ = maker.verifies();
  self->host_ = options.host;
  self->handshake_timeout_ = options.handshake_timeout;
  self->main_ = maker.make(options.identity, {});
  for (std::size_t i = 0; role == tls_role::server && i < options.sni.size(); ++i) {
    self->named_.push_back({lower(options.sni[i].host), maker.make(options.sni[i], i)});
  }
  if (has_error(problems)) return nullptr;
  if (!self->named_.empty()) {
    SSL_CTX_set_tlsext_servername_callback(self->main_.get(), &tls_context::choose);
    SSL_CTX_set_tlsext_servername_arg(self->main_.get(), self.get());
  }
  return self;
}

// Null: no name of ours.
SSL_CTX* tls_context::context_for(std::string_view asked) const {
  const std::string host = lower(asked);
  const auto find = [&](auto&& is_meant) -> SSL_CTX* {
    const auto found = std::find_if(named_.begin(), named_.end(), is_meant);
    return found == named_.end() ? nullptr : found->context.get();
  };
  if (SSL_CTX* exact = find([&](const named& n) { return n.host == host; })) return exact;
  return find([&](const named& n) { return covers(n.host, host); });
}

// Whoever asks for no name of ours gets the main certificate, and judges for itself.
int tls_context::choose(SSL* session, int*, void* self) noexcept {
  const char* asked = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  if (asked == nullptr) return SSL_TLSEXT_ERR_NOACK;
  try {
    SSL_CTX* found = static_cast<const tls_context*>(self)->context_for(asked);
    if (found == nullptr) return SSL_TLSEXT_ERR_NOACK;
    return SSL_set_SSL_CTX(session, found) != nullptr ? SSL_TLSEXT_ERR_OK
                                                      : SSL_TLSEXT_ERR_ALERT_FATAL;
  } catch (const std::bad_alloc&) {  // it must not pass OpenSSL's frames
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
}

ssl_ptr tls_context::make_session(const std::string& host) const {
  ssl_ptr session(SSL_new(main_.get()));
  if (!session) throw std::bad_alloc();
  if (role_ == tls_role::server) {
    SSL_set_accept_state(session.get());
    return session;
  }
  SSL_set_connect_state(session.get());
  const std::string name = without_zone(host_.empty() ? host : host_);
  if (name.empty()) {
    if (verifies_) throw tls_error({option::host, {}, false, "there is no host name to verify"});
    return session;
  }
  bool good = true;
  if (is_ip(name)) {
    good = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), name.c_str()) == 1;
  } else {
    SSL_set_hostflags(session.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    good = SSL_set1_host(session.get(), name.c_str()) == 1 &&
           SSL_set_tlsext_host_name(session.get(), name.c_str()) == 1;
  }
  if (!good) throw tls_error({option::host, {}, false, "\"" + name + "\" is no host name"});
  return session;
}

}  // namespace vsoa::net

namespace vsoa {

std::vector<tls_problem> find_problems(const tls_options& options, tls_role role) {
  std::vector<tls_problem> problems;
  (void)net::tls_context::load(options, role, problems);
  return problems;
}

}  // namespace vsoa
