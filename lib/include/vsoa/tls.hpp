// TLS for servers and clients: what is wanted, what is wrong with it, and who the other side is.
// Source: the wire notes, lib/README.md, "TLS". TLS 1.2 and later; no renegotiation, no resumption
// of sessions, no ALPN. Files are PEM. All functions: any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "vsoa/export.hpp"

namespace vsoa {

enum class tls_role { server, client };

/// Whether the other side must show a certificate that a known CA has signed.
enum class tls_verify {
  usual,     ///< client: required. Server: required if it has CAs, else none
  none,      ///< a server asks for no certificate; a client takes any
  optional,  ///< a server takes clients without one, but no bad one; a client: as required
  required,
};

enum class tls_version { v1_2, v1_3 };

/// A certificate, followed by its intermediates, and its private key.
struct tls_identity {
  std::string cert;          ///< path; empty: none
  std::string key;           ///< path; empty: in the file of the certificate
  std::string key_password;  ///< of an encrypted key; empty: none
};

/// The identity that a server shows to those who ask for `host`.
struct tls_named_identity : tls_identity {
  std::string host;  ///< whatever the case; "*.example" stands for one more label
};

/// How TLS is spoken.
struct tls_options {
  tls_identity identity;     ///< servers must have one
  std::string ca;            ///< path: the CAs that sign the other side's certificates
  bool default_cas = false;  ///< the system's CAs too
  /// Of the other side's certificate.
  tls_verify verify = tls_verify::usual;
  /// Older ones are refused.
  tls_version min_version = tls_version::v1_2;
  std::vector<tls_named_identity> sni;  ///< servers: instead of `identity`, by the name asked for
  /// Clients: the name that is sent (SNI) and that the server's certificate must have; an IP
  /// literal is not sent, and must be among the certificate's addresses. Empty: the host of the
  /// URL.
  std::string host;
  std::chrono::milliseconds handshake_timeout{5000};  ///< for the whole handshake
};

/// Something wrong with options, or with a file that they name.
struct tls_problem {
  /// What it can be about.
  enum class option { cert, key, key_password, ca, verify, sni_host, host };
  /// What it is about.
  option where = option::cert;
  std::optional<std::size_t> sni;  ///< index, when it is about one of `sni`
  bool is_warning = false;         ///< works, but not as wanted: an expired certificate
  std::string message;             ///< the file and why; never a secret
};

/// What is thrown where options can't be used.
class VSOA_API tls_error : public std::runtime_error {
 public:
  /// Its what() is the message.
  explicit tls_error(tls_problem p) : std::runtime_error(p.message), problem_(std::move(p)) {}
  /// Which option, and why.
  const tls_problem& problem() const noexcept { return problem_; }

 private:
  tls_problem problem_;
};

/// All that is wrong with options, as far as can be told without a connection. Reads their files.
VSOA_API std::vector<tls_problem> find_problems(const tls_options& options, tls_role role);

/// Kind and text, such as "CN" and "gateway-1", or "DNS" and "gateway.example".
struct certificate_name {
  std::string
      type;  ///< of subject and issuer: short name, or dotted OID. Others: DNS, IP, URI, email
  std::string value;  ///< UTF-8
  /// Byte for byte.
  bool operator==(const certificate_name&) const = default;
};

/// An X.509 certificate, taken apart.
struct VSOA_API certificate_info {
  int version = 0;                        ///< 3 nearly always
  std::string serial_number;              ///< hexadecimal, capitals
  std::vector<certificate_name> subject;  ///< in the order of the certificate
  /// In the order of the certificate.
  std::vector<certificate_name> issuer;
  /// Not valid earlier.
  std::chrono::system_clock::time_point not_before;
  /// Not valid later.
  std::chrono::system_clock::time_point not_after;
  std::vector<certificate_name> alternative_names;  ///< of kinds that are not in the list: left out
  std::string key_algorithm;                        ///< "RSA", "EC", "ED25519"
  /// Length of the key.
  int key_bits = 0;
  std::string signature_algorithm;  ///< "ecdsa-with-SHA256"
  std::string sha256;               ///< fingerprint: hexadecimal, capitals
  std::vector<std::byte> der;       ///< the whole of it

  /// "CN=gateway-1,O=acme": RFC 2253, the last part first.
  std::string subject_text() const;
  /// The same of the issuer.
  std::string issuer_text() const;
};

/// Takes a certificate apart. Nothing: the bytes are none.
VSOA_API std::optional<certificate_info> parse_certificate(std::span<const std::byte> der);

/// Whether a certificate is meant by a pattern such as "CN=gateway*", "DNS=*.acme.example" or
/// "CN=gateway*,O=acme". Each part is TYPE=TEXT and must match one of the subject's parts or, for
/// DNS, IP, URI and email, one of the alternative names. In TEXT `*` stands for anything, `?` for
/// one byte, and `\` makes the next character plain. Types, and the text of DNS and email, are the
/// same in upper and lower case.
VSOA_API bool matches(const certificate_info& certificate, std::string_view pattern);
/// What is wrong with such a pattern; empty: nothing.
VSOA_API std::string pattern_problem(std::string_view pattern);

}  // namespace vsoa
