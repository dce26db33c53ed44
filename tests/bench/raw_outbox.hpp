// What a raw peer still has to send on one connection.
#pragma once

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <string_view>

namespace bench {

/// Straight to the socket while nothing waits; what the socket does not take is copied.
class raw_outbox {
 public:
  bool empty() const { return unsent_.empty(); }

  /// False when the connection is over.
  bool offer(int fd, std::string_view bytes) {
    if (unsent_.empty()) {
      const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
      if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    unsent_.append(bytes);
    return true;
  }

  /// False when the connection is over.
  bool flush(int fd) {
    const ssize_t sent =
        ::send(fd, unsent_.data() + sent_bytes_, unsent_.size() - sent_bytes_, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    sent_bytes_ += static_cast<std::size_t>(sent);
    if (sent_bytes_ < unsent_.size() && sent_bytes_ < max_sent_kept_bytes) return true;
    unsent_.erase(0, sent_bytes_);
    sent_bytes_ = 0;
    return true;
  }

 private:
  // A box that never runs empty is moved down once this much of it has been sent.
  static constexpr std::size_t max_sent_kept_bytes = 1 << 20;

  std::string unsent_;
  std::size_t sent_bytes_ = 0;
};

}  // namespace bench
