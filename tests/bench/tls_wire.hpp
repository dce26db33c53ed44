// TLS for the load side and the raw peer: OpenSSL on sockets, as its manual has it.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
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

/// As a server, with server_files(); records are freed when they are empty.
tls_context_ptr make_server_context();

/// A connection that has shaken TLS hands; verifies nothing. The socket is blocking.
struct tls_line {
  unique_fd tcp;
  tls_ptr tls;
};
tls_line open_line(const address& to);
/// Writes all of it, waiting where it must.
void write_all(const tls_line& on, std::string_view bytes);
/// Reads what is there; 0: nothing now. Throws when the server has closed. @pre non-blocking
std::size_t read_some(const tls_line& on, std::uint8_t* to, std::size_t bytes);
/// Reads one packet, waiting for it.
std::string read_packet(const tls_line& on);
/// The handshake of VSOA; a raw peer's echo of the request counts as an answer.
void shake_hands(const tls_line& on);

}  // namespace bench
