// A scripted client that speaks TLS by OpenSSL, over a tcp_peer: what is encrypted passes through
// the test's hands, which may cut it, delay it or spoil it.
#pragma once

#include <openssl/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "certificates.hpp"
#include "peer.hpp"

namespace vsoa_test {

struct tls_peer_options {
  std::string ca;                  ///< verifies the server by it; empty: not at all
  certificate_files identity{};    ///< to show; empty: none
  std::string host = "127.0.0.1";  ///< to verify; a name is also sent
  int max_version = 0;             ///< TLS1_1_VERSION and so on; 0: the newest
  tcp_options tcp{};
  std::size_t piece = 0;  ///< sends so many bytes at a time; 0: all at once
};

/// A client that trusts `ca`, and shows what it has itself.
inline tls_peer_options trusting(const certificate_authority& ca, certificate_files identity = {}) {
  tls_peer_options o;
  o.ca = ca.cert();
  o.identity = std::move(identity);
  return o;
}

class tls_peer {
 public:
  explicit tls_peer(const endpoint& server, const tls_peer_options& options = {});
  ~tls_peer();

  /// Shakes TLS hands. Empty: they are shaken; else why not.
  std::string secure(milliseconds bound = patience);
  /// TLS and VSOA; throws if refused.
  packet handshake(const std::string& password = {}, std::uint16_t quick_port = 0);
  std::uint32_t client_id() const noexcept { return client_id_; }

  void send(std::string_view plain);
  void send(const packet& p) { send(p.bytes()); }
  /// What would be sent.
  std::string encrypt(std::string_view plain);
  packet read(milliseconds bound = patience);
  std::optional<packet> try_read(milliseconds bound);
  packet ask(const packet& request, milliseconds bound = patience);
  /// Plain bytes that have not been read as packets.
  const std::string& unread() const noexcept { return plain_; }

  /// Throws away what arrives until the connection ends.
  ending wait_end(milliseconds bound = patience);
  /// Whether the server has said goodbye before it closed.
  bool was_told_goodbye() const;
  /// Of the alert that the server has sent, as OpenSSL words it; empty: none.
  const std::string& failure() const noexcept { return failure_; }
  /// CN of the server's certificate.
  std::string server_name() const;
  /// Asks for new keys, in TLS 1.3.
  void update_keys();
  void say_goodbye();

  tcp_peer& raw() noexcept { return raw_; }

 private:
  struct parts;

  bool receive(const deadline& until);
  void transmit();

  tcp_peer raw_;
  std::unique_ptr<parts> parts_;
  std::size_t piece_;
  std::string plain_;
  std::string failure_;
  ending ending_ = ending::none;
  std::uint32_t client_id_ = 0;
};

}  // namespace vsoa_test
