// A connection, plain or over TLS, for the load side and the raw peers alike. TLS is OpenSSL on
// sockets, as its manual has it.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sockets.hpp"

namespace bench {

struct free_tls {
  void operator()(SSL* s) const { SSL_free(s); }
  void operator()(SSL_CTX* c) const { SSL_CTX_free(c); }
};
using tls_ptr = std::unique_ptr<SSL, free_tls>;
using tls_context_ptr = std::unique_ptr<SSL_CTX, free_tls>;

/// Files of a server's certificate and key; made when first asked for, gone at the program's end.
struct tls_files {
  std::string cert;
  std::string key;
};
const tls_files& server_files();

struct line {
  unique_fd tcp;
  tls_ptr tls{};  ///< null: plain
};

/// As connect_tcp(), and with TLS its hands are shaken; verifies nothing.
line open_line(const address& to, bool secure);

/// Takes connections for a server.
class line_acceptor {
 public:
  /// With TLS as with server_files(); its records are freed when they are empty.
  line_acceptor(int listener, bool secure);
  /// The next one, which shakes TLS hands with its first read; no `tcp`: nobody is there.
  line accept(bool blocking) const;

 private:
  int listener_;
  tls_context_ptr context_;
};

/// One recv(), or SSL_read(). 0: nothing is there now; nothing: the connection is over.
std::optional<std::size_t> receive_once(const line& on, char* to, std::size_t bytes);
/// What is there: one recv(), or SSL_read() until it wants more. @pre non-blocking
std::optional<std::size_t> receive_some(const line& on, char* to, std::size_t bytes);
/// What the socket takes. Nothing: the connection is over.
std::optional<std::size_t> send_some(const line& on, std::string_view bytes);

// For the load side, where the end of a connection is a failure.
/// As receive_some(). When it fills the buffer, OpenSSL may have more, of which epoll does not
/// know.
std::size_t read_some(const line& on, std::uint8_t* to, std::size_t bytes);
/// Writes all of it. @pre blocking
void write_all(const line& on, std::string_view bytes);
/// Reads one packet. @pre blocking
std::string read_packet(const line& on);
/// The handshake of VSOA; a raw peer's echo of the request counts as an answer.
void shake_hands(const line& on);
void subscribe(const line& on, std::string_view url);

}  // namespace bench
