#include "tls_wire.hpp"

#include <poll.h>

#include <stdexcept>
#include <string>

#include "certificates.hpp"
#include "packet.hpp"
#include "session.hpp"

namespace bench {
namespace {

constexpr int wait_ms = 5000;

void wait_for(const tls_line& on, short events) {
  pollfd entry{.fd = on.tcp.get(), .events = events, .revents = 0};
  if (::poll(&entry, 1, wait_ms) != 1) throw std::runtime_error("TLS: nothing in time");
}

}  // namespace

const tls_files& server_files() {
  static vsoa_test::certificate_authority authority;
  static const auto issued = authority.issue();
  static const tls_files files{issued.cert, issued.key};
  return files;
}

tls_context_ptr make_server_context() {
  tls_context_ptr context(SSL_CTX_new(TLS_server_method()));
  if (SSL_CTX_use_certificate_chain_file(context.get(), server_files().cert.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), server_files().key.c_str(), SSL_FILETYPE_PEM) !=
          1) {
    throw std::runtime_error("TLS: no certificate");
  }
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                      SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  return context;
}

tls_line open_line(const address& to) {
  static const tls_context_ptr context(SSL_CTX_new(TLS_client_method()));
  tls_line line;
  line.tcp = connect_tcp(to);
  line.tls.reset(SSL_new(context.get()));
  SSL_set_fd(line.tls.get(), line.tcp.get());
  SSL_set_read_ahead(line.tls.get(), 1);
  if (SSL_connect(line.tls.get()) != 1) throw std::runtime_error("TLS: no handshake");
  return line;
}

void write_all(const tls_line& on, std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t count = 0;
    if (SSL_write_ex(on.tls.get(), bytes.data(), bytes.size(), &count) == 1) {
      bytes.remove_prefix(count);
    } else if (SSL_get_error(on.tls.get(), 0) == SSL_ERROR_WANT_WRITE) {
      wait_for(on, POLLOUT);
    } else {
      throw std::runtime_error("TLS: write");
    }
  }
}

std::size_t read_some(const tls_line& on, std::uint8_t* to, std::size_t bytes) {
  std::size_t filled = 0;
  while (filled < bytes) {
    std::size_t count = 0;
    if (SSL_read_ex(on.tls.get(), to + filled, bytes - filled, &count) != 1) {
      if (SSL_get_error(on.tls.get(), 0) == SSL_ERROR_WANT_READ) break;
      throw std::runtime_error("TLS: the server has closed");
    }
    filled += count;
  }
  return filled;
}

std::string read_packet(const tls_line& on) {
  std::string packet(header_bytes, '\0');
  const auto fill = [&](std::size_t from) {
    while (from < packet.size()) {
      std::size_t count = 0;
      if (SSL_read_ex(on.tls.get(), packet.data() + from, packet.size() - from, &count) != 1)
        throw std::runtime_error("TLS: no packet");
      from += count;
    }
  };
  fill(0);
  const auto* head = reinterpret_cast<const std::uint8_t*>(packet.data());
  packet.resize(parse_header(head).total_bytes);
  fill(header_bytes);
  return packet;
}

void shake_hands(const tls_line& on) {
  write_all(on, handshake_packet());
  read_packet(on);
}

}  // namespace bench
