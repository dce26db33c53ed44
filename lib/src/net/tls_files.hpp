// Certificates and keys from PEM files, and what is wrong with them.
#pragma once

#include <string>
#include <vector>

#include "net/tls_context.hpp"

namespace vsoa::net {

/// Where findings go: about one identity, or about the options as a whole.
class tls_findings {
 public:
  tls_findings(std::vector<tls_problem>& all, std::optional<std::size_t> sni = {})
      : all_(all), sni_(sni) {}

  void error(tls_problem::option where, std::string message) {
    all_.push_back({where, sni_, false, std::move(message)});
    failed_ = true;
  }
  void warning(tls_problem::option where, std::string message) {
    all_.push_back({where, sni_, true, std::move(message)});
  }
  bool failed() const noexcept { return failed_; }

 private:
  std::vector<tls_problem>& all_;
  const std::optional<std::size_t> sni_;
  bool failed_ = false;
};

/// What the files of an identity hold, fitting each other.
struct loaded_identity {
  x509_ptr cert;
  std::vector<x509_ptr> chain;
  key_ptr key;
};

/// Empty pointers in it: an error is among the findings.
loaded_identity read_identity(const tls_identity& files, tls_findings& findings);
/// All certificates of a file; none: an error is among the findings.
std::vector<x509_ptr> read_certificates(const std::string& path, tls_problem::option where,
                                        tls_findings& findings);

}  // namespace vsoa::net
