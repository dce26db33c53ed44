#include "net/tls_bio.hpp"

#include <openssl/bio.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "net/tls_session.hpp"

namespace vsoa::net {
namespace {

// What may wait for the kernel: a whole flight of a handshake, or a record. More is no TLS that we
// have asked for.
constexpr std::size_t max_unsent = std::size_t{256} << 10U;

tls_session& session_of(BIO* bio) {
  return *static_cast<tls_session*>(BIO_get_data(bio));
}

}  // namespace

BIO* tls_bio::make(tls_session& session) {
  static BIO_METHOD* const method = make_method();
  BIO* bio = method == nullptr ? nullptr : BIO_new(method);
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, &session);
  BIO_set_init(bio, 1);
  return bio;
}

BIO_METHOD* tls_bio::make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "vsoa socket");
  if (method == nullptr) return nullptr;
  BIO_meth_set_read_ex(method, &tls_bio::read);
  BIO_meth_set_write_ex(method, &tls_bio::write);
  BIO_meth_set_ctrl(method, &tls_bio::control);
  return method;
}

// A handshake reads just what it needs: what follows it stays in the kernel, where the poller sees
// it. After that, what has been received is all there is.
int tls_bio::read(BIO* bio, char* into, std::size_t size, std::size_t* count) {
  tls_session& s = session_of(bio);
  BIO_clear_retry_flags(bio);
  if (s.secured_) {
    *count = std::min(size, s.input_.size());
    if (*count == 0) {
      BIO_set_retry_read(bio);
      return 0;
    }
    std::memcpy(into, s.input_.data(), *count);
    s.input_ = s.input_.subspan(*count);
    return 1;
  }
  const ssize_t got = ::recv(s.socket_, into, size, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  *count = got > 0 ? static_cast<std::size_t>(got) : 0;
  return got > 0 ? 1 : 0;
}

// Takes everything, so that no half of a record is left inside OpenSSL, which would refuse to send
// anything else before it: what the kernel does not take is the session's to send.
int tls_bio::write(BIO* bio, const char* bytes, std::size_t size, std::size_t* count) {
  tls_session& s = session_of(bio);
  BIO_clear_retry_flags(bio);
  std::size_t sent = 0;
  while (s.unsent_.empty() && sent < size && !s.broken_) {
    const ssize_t some = ::send(s.socket_, bytes + sent, size - sent, MSG_NOSIGNAL);
    if (some >= 0) {
      sent += static_cast<std::size_t>(some);
    } else if (errno != EINTR) {
      s.broken_ = errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM;
      break;
    }
  }
  if (s.broken_ || s.unsent_.size() + size - sent > max_unsent) return 0;
  try {
    const auto* rest = reinterpret_cast<const std::byte*>(bytes);
    s.unsent_.insert(s.unsent_.end(), rest + sent, rest + size);
  } catch (const std::bad_alloc&) {
    s.broken_ = true;
    return 0;
  }
  *count = size;
  return 1;
}

long tls_bio::control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default:
      return 0;
  }
}

}  // namespace vsoa::net
