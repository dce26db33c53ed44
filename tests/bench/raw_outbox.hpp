// What a raw peer still has to send on one connection.
#pragma once

#include <string>
#include <string_view>

#include "sockets.hpp"

namespace bench {

/// Straight to the socket while nothing waits; what the socket does not take is copied.
class raw_outbox {
 public:
  bool empty() const { return unsent_.empty(); }

  // To a socket, or a line. False when the connection is over.
  template <class Socket>
  bool offer(const Socket& to, std::string_view bytes) {
    if (unsent_.empty()) {
      const auto sent = send_some(to, bytes);
      if (!sent) return false;
      bytes.remove_prefix(*sent);
    }
    unsent_.append(bytes);
    return true;
  }
  template <class Socket>
  bool flush(const Socket& to) {
    const auto sent = send_some(to, std::string_view(unsent_).substr(sent_bytes_));
    if (!sent) return false;
    sent_bytes_ += *sent;
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
