#include "net/transport.hpp"

#include <cerrno>

#include "net/tls_session.hpp"

namespace vsoa::net {

static_assert(transport::min_read_bytes == tls_session::min_read_bytes);

transport::transport(unique_fd socket) noexcept : socket_(std::move(socket)) {}

transport::transport(unique_fd socket, std::shared_ptr<const tls_context> context,
                     const std::string& host)
    : socket_(std::move(socket)), handshaking_(context != nullptr) {
  if (context != nullptr) {
    tls_ = std::make_unique<tls_session>(std::move(context), socket_.get(), host);
  }
}

transport::transport(transport&&) noexcept = default;
transport& transport::operator=(transport&&) noexcept = default;
transport::~transport() = default;

bool transport::speaks_first() const noexcept {
  return handshaking_ && tls_->context().role() == tls_role::client;
}

transport::result transport::handshake() noexcept {
  if (!handshaking_) return {outcome::done};
  const result r = tls_->handshake();
  if (r.what == outcome::done) handshaking_ = false;
  return r;
}

std::chrono::milliseconds transport::handshake_timeout() const noexcept {
  return tls_->context().handshake_timeout();
}

transport::result transport::plain_read(std::span<std::byte> into) noexcept {
  const ssize_t count = ::recv(handle(), into.data(), into.size(), 0);
  if (count > 0) return {outcome::done, static_cast<std::size_t>(count)};
  if (count == 0) return {outcome::closed};
  return {errno == EAGAIN || errno == EINTR ? outcome::blocked : outcome::failed};
}

transport::result transport::plain_write(std::span<iovec> parts) noexcept {
  if (parts.empty()) return {outcome::done};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  // One piece is the usual case, and the kernel has less to copy then.
  const ssize_t count = parts.size() == 1
                            ? ::send(handle(), parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL)
                            : ::sendmsg(handle(), &message, MSG_NOSIGNAL);
  if (count >= 0) return {outcome::done, static_cast<std::size_t>(count)};
  if (errno == EINTR) return {outcome::done};  // once more
  const bool full = errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
  return {full ? outcome::blocked : outcome::failed};
}

transport::result transport::tls_read(std::span<std::byte> into) noexcept {
  return tls_->read(into);
}

transport::result transport::tls_write(std::span<iovec> parts) noexcept {
  const result r = tls_->write(parts);
  if (must_shut_ && !tls_->wants_write()) shut();
  return r;
}

bool transport::tls_has_pending() const noexcept {
  return tls_->has_pending();
}

bool transport::tls_wants_write() const noexcept {
  return tls_->wants_write();
}

bool transport::tls_is_cut() const noexcept {
  return tls_->is_cut();
}

void transport::shutdown_write() noexcept {
  if (tls_ != nullptr) {
    tls_->say_goodbye();
    must_shut_ = tls_->wants_write();
    if (must_shut_) return;
  }
  shut();
}

void transport::shut() noexcept {
  must_shut_ = false;
  ::shutdown(handle(), SHUT_WR);
}

void transport::close(bool reset) noexcept {
  if (reset) {
    set_reset_on_close(handle());
  } else if (tls_ != nullptr) {
    tls_->say_goodbye();
  }
  socket_ = {};
}

std::vector<std::byte> transport::peer_certificate() const {
  if (tls_ == nullptr) return {};
  return tls_->peer_certificate();
}

std::string transport::failure() const {
  return tls_ == nullptr ? std::string() : tls_->failure();
}

}  // namespace vsoa::net
