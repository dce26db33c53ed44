#include "net/transport.hpp"

#include <cerrno>

namespace vsoa::net {

transport::result transport::read(std::span<std::byte> into) noexcept {
  const ssize_t count = ::recv(handle(), into.data(), into.size(), 0);
  if (count > 0) return {outcome::done, static_cast<std::size_t>(count)};
  if (count == 0) return {outcome::closed};
  return {errno == EAGAIN || errno == EINTR ? outcome::blocked : outcome::failed};
}

transport::result transport::write(std::span<iovec> parts) noexcept {
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

}  // namespace vsoa::net
