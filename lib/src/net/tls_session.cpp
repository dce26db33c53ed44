#include "net/tls_session.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "net/tls_bio.hpp"

namespace vsoa::net {
namespace {

constexpr std::size_t record_bytes = SSL3_RT_MAX_PLAIN_LENGTH;
// In front of what has been received: room for what it completes of the record before it.
constexpr std::size_t front_bytes = std::size_t{17} << 10U;
static_assert(front_bytes > record_bytes && tls_session::min_read_bytes > front_bytes);

// Takes the next record's bytes off `parts`, from `offset` in the first of them on. One large piece
// is taken as it is; small ones are gathered in `room`, so that they share a record.
class record_source {
 public:
  explicit record_source(std::span<const iovec> parts) noexcept : parts_(parts) {}

  bool empty() noexcept {
    while (!parts_.empty() && offset_ == parts_[0].iov_len)
      advance();
    return parts_.empty();
  }
  /// False: there is not as much.
  bool skip(std::size_t count) noexcept {
    while (count != 0) {
      if (empty()) return false;
      count -= take(count).size();
    }
    return true;
  }
  /// @pre !empty()
  std::span<const std::byte> next(std::span<std::byte, record_bytes> room) noexcept {
    const auto first = take(record_bytes);
    if (first.size() == record_bytes || empty()) return first;
    std::memcpy(room.data(), first.data(), first.size());
    std::size_t filled = first.size();
    while (filled < room.size() && !empty()) {
      const auto piece = take(room.size() - filled);
      std::memcpy(room.data() + filled, piece.data(), piece.size());
      filled += piece.size();
    }
    return room.first(filled);
  }

 private:
  void advance() noexcept {
    parts_ = parts_.subspan(1);
    offset_ = 0;
  }
  std::span<const std::byte> take(std::size_t most) noexcept {
    const auto* base = static_cast<const std::byte*>(parts_[0].iov_base) + offset_;
    const std::size_t count = std::min(most, parts_[0].iov_len - offset_);
    offset_ += count;
    return {base, count};
  }

  std::span<const iovec> parts_;
  std::size_t offset_ = 0;
};

}  // namespace

tls_session::tls_session(std::shared_ptr<const tls_context> context, int socket,
                         const std::string& host)
    : context_(std::move(context)), ssl_(context_->make_session(host)), socket_(socket) {
  BIO* bio = tls_bio::make(*this);
  SSL_set_bio(ssl_.get(), bio, bio);
}

tls_session::~tls_session() = default;

io_result tls_session::handshake() noexcept {
  if (!flush()) return broken_ ? io_result{io_outcome::failed} : io_result{io_outcome::blocked};
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) return fail(result);
  secured_ = true;
  peer_.reset(SSL_get1_peer_certificate(ssl_.get()));
  return {io_outcome::done};
}

// Drains all of what has been received: what lies in `into` is not ours any more when it returns,
// and a record left behind inside OpenSSL would not make the socket readable.
io_result tls_session::read(std::span<std::byte> into) noexcept {
  if (end_) return {*std::exchange(end_, std::nullopt)};
  if (into.size() < min_read_bytes) return {io_outcome::failed};
  const auto room = into.subspan(front_bytes);
  const ssize_t count = ::recv(socket_, room.data(), room.size(), 0);
  if (count == 0) {
    is_cut_ = true;
    return {io_outcome::closed};
  }
  if (count < 0) {
    return {errno == EAGAIN || errno == EINTR ? io_outcome::blocked : io_outcome::failed};
  }
  input_ = room.first(static_cast<std::size_t>(count));
  const io_result result = drain_input(into);
  input_ = {};
  return result;
}

io_result tls_session::drain_input(std::span<std::byte> into) noexcept {
  std::size_t filled = 0;
  io_result end{io_outcome::blocked};
  ERR_clear_error();
  while (!input_.empty() || SSL_has_pending(ssl_.get()) != 0) {
    // Never into what is still to be decrypted.
    std::byte* const out = into.data() + filled;
    const std::byte* const limit = input_.empty() ? into.data() + into.size() : input_.data();
    std::size_t count = 0;
    const int result = SSL_read_ex(ssl_.get(), out, static_cast<std::size_t>(limit - out), &count);
    if (result != 1) {
      end = fail(result);
      break;
    }
    filled += count;
  }
  if (filled == 0) return end;
  if (end.what != io_outcome::blocked) end_ = end.what;
  return {io_outcome::done, filled};
}

io_result tls_session::write(std::span<const iovec> parts) noexcept {
  const bool is_flushed = flush();
  if (broken_) return {io_outcome::failed};
  if (parts.empty()) return {is_flushed ? io_outcome::done : io_outcome::blocked};
  std::array<std::byte, record_bytes> room;
  record_source source(parts);
  if (!source.skip(owed_)) return {io_outcome::failed};
  std::size_t moved = settle_owed();
  if (!is_flushed) return {io_outcome::blocked, moved};
  ERR_clear_error();
  while (!source.empty()) {
    const auto record = source.next(room);
    std::size_t count = 0;
    const int result = SSL_write_ex(ssl_.get(), record.data(), record.size(), &count);
    // The BIO takes everything: a record that can't be made is an error.
    if (result != 1 || broken_) {
      fail(result);
      return {io_outcome::failed};
    }
    owed_ = count;
    moved += settle_owed();
    if (!unsent_.empty()) return {io_outcome::blocked, moved};
  }
  return {io_outcome::done, moved};
}

// What has left of a record counts at once, so that a slow reader is seen to read; but while some
// of it is left, so is some of what is owed, for which whoever writes waits.
std::size_t tls_session::settle_owed() noexcept {
  const std::size_t before = owed_;
  owed_ = std::min(owed_, unsent_.size());
  return before - owed_;
}

// False: the kernel does not take all of it now, or the connection is broken.
bool tls_session::flush() noexcept {
  std::size_t sent = 0;
  while (sent < unsent_.size()) {
    const ssize_t count =
        ::send(socket_, unsent_.data() + sent, unsent_.size() - sent, MSG_NOSIGNAL);
    if (count >= 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    if (errno == EINTR) continue;
    broken_ = errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM;
    break;
  }
  if (sent == unsent_.size()) {
    std::vector<std::byte>().swap(unsent_);
    return true;
  }
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent));
  return false;
}

void tls_session::say_goodbye() noexcept {
  if (!secured_ || !failure_.empty() || broken_ || said_goodbye_) return;
  said_goodbye_ = true;
  ERR_clear_error();
  (void)SSL_shutdown(ssl_.get());  // sends, and does not wait for the answer
  ERR_clear_error();
}

std::vector<std::byte> tls_session::peer_certificate() const {
  unsigned char* encoded = nullptr;
  const int length = peer_ ? i2d_X509(peer_.get(), &encoded) : 0;
  if (length <= 0) return {};
  const auto* bytes = reinterpret_cast<const std::byte*>(encoded);
  std::vector<std::byte> der(bytes, bytes + length);
  OPENSSL_free(encoded);
  return der;
}

io_result tls_session::fail(int result) noexcept {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ && !broken_) return {io_outcome::blocked};
  if (error == SSL_ERROR_ZERO_RETURN) return {io_outcome::closed};
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  const long verified = SSL_get_verify_result(ssl_.get());
  try {
    failure_ = reason != nullptr ? reason : "closed by the other side";
    if (verified != X509_V_OK) {
      failure_ += std::string(": ") + X509_verify_cert_error_string(verified);
    }
  } catch (const std::bad_alloc&) {  // the outcome says it too
  }
  ERR_clear_error();
  return {io_outcome::failed};
}

}  // namespace vsoa::net
