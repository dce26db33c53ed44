// What the sessions of one server or client have in common under TLS: certificates, keys, CAs, and
// how the other side is verified. Loaded once and never changed, so that all threads share it; a
// change of certificates makes a new one, and sessions keep the one that they began with.
#pragma once

#include <openssl/types.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vsoa/tls.hpp"

namespace vsoa::net {

struct free_ssl {
  void operator()(SSL* s) const noexcept;
  void operator()(SSL_CTX* s) const noexcept;
  void operator()(X509* s) const noexcept;
  void operator()(EVP_PKEY* s) const noexcept;
};
using ssl_ptr = std::unique_ptr<SSL, free_ssl>;
using x509_ptr = std::unique_ptr<X509, free_ssl>;
using key_ptr = std::unique_ptr<EVP_PKEY, free_ssl>;
using ssl_context_ptr = std::unique_ptr<SSL_CTX, free_ssl>;

class tls_context {
 public:
  /// Reads the files. Throws tls_error with the first thing that is wrong; warnings are none.
  static std::shared_ptr<const tls_context> load(const tls_options& options, tls_role role);

  /// Collects all that is wrong in `problems`. Null if there is an error among it.
  static std::shared_ptr<const tls_context> load(const tls_options& options, tls_role role,
                                                 std::vector<tls_problem>& problems);

  tls_role role() const noexcept { return role_; }
  std::chrono::milliseconds handshake_timeout() const noexcept { return handshake_timeout_; }

  /// A session in its initial state. Throws std::bad_alloc.
  /// @param host  clients: the name to send and to verify, if the options name none
  ssl_ptr make_session(const std::string& host) const;

 private:
  struct named {
    std::string host;  // lower case
    ssl_context_ptr context;
  };
  tls_context() = default;
  static int choose(SSL* session, int* alert, void* self) noexcept;
  SSL_CTX* context_for(std::string_view asked) const;

  tls_role role_ = tls_role::server;
  bool verifies_ = false;
  std::string host_;
  std::chrono::milliseconds handshake_timeout_{};
  ssl_context_ptr main_;
  std::vector<named> named_;
};

}  // namespace vsoa::net
