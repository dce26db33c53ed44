// libvsoa's TLS options for the certificates of a test.
#pragma once

#include <string>
#include <utility>

#include "certificates.hpp"
#include "vsoa/tls.hpp"

namespace vsoa_test {

inline vsoa::tls_identity to_identity(const certificate_files& files, std::string password = {}) {
  return {files.cert, files.key, std::move(password)};
}

/// Of one that shows a certificate, and asks for none.
inline vsoa::tls_options showing(const certificate_files& files, std::string password = {}) {
  vsoa::tls_options o;
  o.identity = to_identity(files, std::move(password));
  return o;
}

/// Of a client that trusts `ca`.
inline vsoa::tls_options verifying(const certificate_authority& ca) {
  vsoa::tls_options o;
  o.ca = ca.cert();
  return o;
}

}  // namespace vsoa_test
