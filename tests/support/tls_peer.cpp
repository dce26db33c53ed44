#include "tls_peer.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <stdexcept>

namespace vsoa_test {

struct tls_peer::parts {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = nullptr;
  BIO* in = nullptr;   // from the server
  BIO* out = nullptr;  // to the server

  ~parts() {
    SSL_free(ssl);
    SSL_CTX_free(context);
  }
};

namespace {

std::string last_error() {
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  ERR_clear_error();
  return reason == nullptr ? "ended" : reason;
}

}  // namespace

tls_peer::tls_peer(const endpoint& server, const tls_peer_options& options)
    : raw_(server, options.tcp), parts_(std::make_unique<parts>()), piece_(options.piece) {
  SSL_CTX* c = parts_->context;
  if (!options.ca.empty()) {
    SSL_CTX_load_verify_file(c, options.ca.c_str());
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER, nullptr);
  }
  if (!options.identity.cert.empty()) {
    SSL_CTX_use_certificate_chain_file(c, options.identity.cert.c_str());
    SSL_CTX_use_PrivateKey_file(c, options.identity.key.c_str(), SSL_FILETYPE_PEM);
  }
  if (options.max_version != 0) {
    SSL_CTX_set_security_level(c, 0);  // the old ones too
    SSL_CTX_set_min_proto_version(c, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(c, options.max_version);
  }
  SSL* s = parts_->ssl = SSL_new(c);
  parts_->in = BIO_new(BIO_s_mem());
  parts_->out = BIO_new(BIO_s_mem());
  BIO_set_mem_eof_return(parts_->in, -1);
  SSL_set_bio(s, parts_->in, parts_->out);
  SSL_set_connect_state(s);
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(s), options.host.c_str()) != 1) {
    SSL_set1_host(s, options.host.c_str());
    SSL_set_tlsext_host_name(s, options.host.c_str());
  }
  ERR_clear_error();
}

tls_peer::~tls_peer() = default;

void tls_peer::transmit() {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(parts_->out, &bytes);
  const std::string all(bytes, static_cast<std::size_t>(size));
  (void)BIO_reset(parts_->out);
  const std::size_t piece = piece_ == 0 ? all.size() : piece_;
  for (std::size_t at = 0; at < all.size(); at += piece)
    raw_.send(std::string_view(all).substr(at, piece));
}

// False: nothing came in time, or the connection has ended.
bool tls_peer::receive(const deadline& until) {
  if (ending_ != ending::none) return false;
  std::array<char, 65536> bytes;
  for (;;) {
    const ssize_t count = ::recv(raw_.fd(), bytes.data(), bytes.size(), 0);
    if (count > 0) {
      BIO_write(parts_->in, bytes.data(), static_cast<int>(count));
      return true;
    }
    if (count == 0) ending_ = ending::closed;
    if (count < 0 && errno != EAGAIN && errno != EINTR) ending_ = ending::reset;
    if (ending_ != ending::none) return false;
    pollfd entry{.fd = raw_.fd(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, until.left()) <= 0) return false;
  }
}

std::string tls_peer::secure(milliseconds bound) {
  const deadline until(bound);
  for (;;) {
    ERR_clear_error();
    const int result = SSL_do_handshake(parts_->ssl);
    const int error = SSL_get_error(parts_->ssl, result);
    try {
      transmit();
    } catch (const std::exception&) {  // then the end is near
    }
    if (result == 1) return {};
    if (error != SSL_ERROR_WANT_READ) return failure_ = last_error();
    if (!receive(until)) return failure_ = ending_ == ending::none ? "no answer" : "ended";
  }
}

packet tls_peer::handshake(const std::string& password, std::uint16_t quick_port) {
  const std::string problem = SSL_is_init_finished(parts_->ssl) ? "" : secure();
  if (!problem.empty()) throw std::runtime_error("TLS: " + problem);
  const packet reply =
      ask(servinfo(1, password.empty() ? "" : "{\"passwd\":\"" + password + "\"}", quick_port));
  if (reply.type != type_servinfo || reply.status != 0) throw std::runtime_error("refused");
  for (const char c : reply.data.substr(0, 4))
    client_id_ = client_id_ << 8U | static_cast<unsigned char>(c);
  return reply;
}

std::string tls_peer::encrypt(std::string_view plain) {
  if (SSL_write(parts_->ssl, plain.data(), static_cast<int>(plain.size())) <= 0) {
    throw std::runtime_error("TLS write: " + last_error());
  }
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(parts_->out, &bytes);
  std::string all(bytes, static_cast<std::size_t>(size));
  (void)BIO_reset(parts_->out);
  return all;
}

void tls_peer::send(std::string_view plain) {
  if (SSL_write(parts_->ssl, plain.data(), static_cast<int>(plain.size())) <= 0) {
    throw std::runtime_error("TLS write: " + last_error());
  }
  transmit();
}

std::optional<packet> tls_peer::try_read(milliseconds bound) {
  const deadline until(bound);
  std::array<char, 65536> bytes;
  for (;;) {
    std::size_t used = 0;
    if (auto p = parse_packet(plain_, used)) {
      plain_.erase(0, used);
      return p;
    }
    ERR_clear_error();
    const int count = SSL_read(parts_->ssl, bytes.data(), static_cast<int>(bytes.size()));
    if (count > 0) {
      plain_.append(bytes.data(), static_cast<std::size_t>(count));
      continue;
    }
    const int error = SSL_get_error(parts_->ssl, count);
    if (error == SSL_ERROR_ZERO_RETURN) return {};
    if (error != SSL_ERROR_WANT_READ) {
      failure_ = last_error();
      return {};
    }
    if (!receive(until)) return {};
  }
}

packet tls_peer::read(milliseconds bound) {
  auto p = try_read(bound);
  if (!p) throw std::runtime_error("no packet over TLS " + failure_);
  return *p;
}

packet tls_peer::ask(const packet& request, milliseconds bound) {
  send(request);
  return read(bound);
}

ending tls_peer::wait_end(milliseconds bound) {
  const deadline until(bound);
  while (try_read(milliseconds(until.left()))) {
  }
  while (receive(until)) {
  }
  return ending_;
}

bool tls_peer::was_told_goodbye() const {
  return (SSL_get_shutdown(parts_->ssl) & SSL_RECEIVED_SHUTDOWN) != 0;
}

std::string tls_peer::server_name() const {
  X509* cert = SSL_get0_peer_certificate(parts_->ssl);
  std::array<char, 256> name{};
  if (cert != nullptr) {
    X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, name.data(),
                              static_cast<int>(name.size()));
  }
  return name.data();
}

void tls_peer::update_keys() {
  SSL_key_update(parts_->ssl, SSL_KEY_UPDATE_REQUESTED);
  SSL_do_handshake(parts_->ssl);
  transmit();
}

void tls_peer::say_goodbye() {
  SSL_shutdown(parts_->ssl);
  transmit();
}

}  // namespace vsoa_test
