// A server with TLS, and what signs its certificates.
#pragma once

#include "test_server.hpp"
#include "tls_options.hpp"
#include "tls_peer.hpp"

namespace vsoa_test {

/// One-way TLS with a certificate of `ca`.
inline vsoa::server_options secured(certificate_authority& ca) {
  vsoa::server_options o;
  o.tls = showing(ca.issue());
  return o;
}

/// Clients must have a certificate of `ca` too.
inline vsoa::server_options mutual(certificate_authority& ca) {
  vsoa::server_options o = secured(ca);
  o.tls->ca = ca.cert();
  return o;
}

/// One that serves /echo, and its CA.
struct tls_echo_server {
  explicit tls_echo_server(std::size_t loops = 1) : server(secured(ca), loops) {
    server->command("/echo", echo);
    server.start();
  }
  /// Of one that trusts the CA, before any handshake.
  tls_peer connect() const { return tls_peer(server.at(), trusting(ca)); }

  certificate_authority ca;
  test_server server;
};

}  // namespace vsoa_test
