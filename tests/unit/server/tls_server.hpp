// A server with TLS, and what signs its certificates.
#pragma once

#include "test_server.hpp"
#include "tls_peer.hpp"

namespace vsoa_test {

inline vsoa::tls_identity to_identity(const certificate_files& files) {
  return {files.cert, files.key, {}};
}

/// One-way TLS with a certificate of `ca`.
inline vsoa::server_options secured(certificate_authority& ca) {
  vsoa::server_options o;
  o.tls.emplace();
  o.tls->identity = to_identity(ca.issue());
  return o;
}

/// Clients must have a certificate of `ca` too.
inline vsoa::server_options mutual(certificate_authority& ca) {
  vsoa::server_options o = secured(ca);
  o.tls->ca = ca.cert();
  return o;
}

/// A client that trusts `ca`.
inline tls_peer_options trusting(const certificate_authority& ca) {
  tls_peer_options o;
  o.ca = ca.cert();
  return o;
}

}  // namespace vsoa_test
