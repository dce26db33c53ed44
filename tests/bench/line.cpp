#include "line.hpp"

#include <openssl/err.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <string>

#include "certificates.hpp"
#include "packet.hpp"
#include "session.hpp"

namespace bench {
namespace {

// What is written again may have moved meanwhile. To read ahead saves a system call for each
// record.
tls_context_ptr make_context(const SSL_METHOD* method) {
  tls_context_ptr context(SSL_CTX_new(method));
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);
  return context;
}

tls_context_ptr make_server_context() {
  tls_context_ptr context = make_context(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(context.get(), server_files().cert.c_str()) != 1 ||
      SSL_CTX_use_PrivateKey_file(context.get(), server_files().key.c_str(), SSL_FILETYPE_PEM) !=
          1) {
    throw std::runtime_error("TLS: no certificate");
  }
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  return context;
}

// Whether what has failed is only to be tried again later.
bool wants(const line& on, int what) {
  if (SSL_get_error(on.tls.get(), 0) == what) return true;
  ERR_clear_error();  // it would be taken for the next connection's
  return false;
}

void fill(const line& on, std::string& packet, std::size_t from) {
  while (from < packet.size()) {
    const auto count = receive_once(on, packet.data() + from, packet.size() - from);
    if (!count || *count == 0) throw std::runtime_error("no packet");
    from += *count;
  }
}

}  // namespace

const tls_files& server_files() {
  static vsoa_test::certificate_authority authority;
  static const auto issued = authority.issue();
  static const tls_files files{issued.cert, issued.key};
  return files;
}

line open_line(const address& to, bool secure) {
  line opened{connect_tcp(to)};
  if (!secure) return opened;
  static const tls_context_ptr context = make_context(TLS_client_method());
  opened.tls.reset(SSL_new(context.get()));
  SSL_set_fd(opened.tls.get(), opened.tcp.get());
  if (SSL_connect(opened.tls.get()) != 1) throw std::runtime_error("TLS: no handshake");
  return opened;
}

line_acceptor::line_acceptor(int listener, bool secure) : listener_(listener) {
  if (secure) context_ = make_server_context();
}

line line_acceptor::accept(bool blocking) const {
  line taken{unique_fd(
      ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | (blocking ? 0 : SOCK_NONBLOCK)))};
  if (!taken.tcp) return taken;
  set_nodelay(taken.tcp.get());
  if (!context_) return taken;
  taken.tls.reset(SSL_new(context_.get()));
  SSL_set_fd(taken.tls.get(), taken.tcp.get());
  SSL_set_accept_state(taken.tls.get());
  return taken;
}

std::optional<std::size_t> receive_once(const line& on, char* to, std::size_t bytes) {
  if (on.tls) {
    std::size_t count = 0;
    if (SSL_read_ex(on.tls.get(), to, bytes, &count) == 1) return count;
    if (wants(on, SSL_ERROR_WANT_READ)) return 0;
    return {};
  }
  const ssize_t got = ::recv(on.tcp.get(), to, bytes, 0);
  if (got > 0) return static_cast<std::size_t>(got);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  return {};
}

std::optional<std::size_t> receive_some(const line& on, char* to, std::size_t bytes) {
  auto got = receive_once(on, to, bytes);
  if (!on.tls || !got || *got == 0) return got;
  std::size_t filled = *got;
  while (filled < bytes) {
    got = receive_once(on, to + filled, bytes - filled);
    if (!got) return {};
    if (*got == 0) break;
    filled += *got;
  }
  return filled;
}

std::optional<std::size_t> send_some(const line& on, std::string_view bytes) {
  if (!on.tls) return send_some(on.tcp.get(), bytes);
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    std::size_t count = 0;
    if (SSL_write_ex(on.tls.get(), bytes.data() + sent, bytes.size() - sent, &count) == 1) {
      sent += count;
    } else if (wants(on, SSL_ERROR_WANT_WRITE)) {
      break;
    } else {
      return {};
    }
  }
  return sent;
}

std::size_t read_some(const line& on, std::uint8_t* to, std::size_t bytes) {
  const auto got = receive_some(on, reinterpret_cast<char*>(to), bytes);
  if (!got) throw std::runtime_error("the server closed the connection");
  return *got;
}

void write_all(const line& on, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = send_some(on, bytes);
    if (!sent || *sent == 0) throw std::runtime_error("a write has failed");
    bytes.remove_prefix(*sent);
  }
}

std::string read_packet(const line& on) {
  std::string packet(header_bytes, '\0');
  fill(on, packet, 0);
  packet.resize(parse_header(reinterpret_cast<const std::uint8_t*>(packet.data())).total_bytes);
  fill(on, packet, header_bytes);
  return packet;
}

void shake_hands(const line& on) {
  write_all(on, handshake_packet());
  expect(read_packet(on), packet_type::servinfo);
}

void subscribe(const line& on, std::string_view url) {
  write_all(on, subscribe_packet(url));
  expect(read_packet(on), packet_type::subscribe);
}

}  // namespace bench
