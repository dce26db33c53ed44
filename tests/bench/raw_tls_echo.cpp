// OpenSSL's own loop: what is there is read until it wants more, and written back.
#include <sys/socket.h>

#include <string>
#include <unordered_map>
#include <vector>

#include "raw_peers.hpp"
#include "sockets.hpp"
#include "tls_wire.hpp"

namespace bench {
namespace {

class raw_tls_echo {
 public:
  explicit raw_tls_echo(int listener)
      : listener_(listener), context_(make_server_context()), buffer_(raw_read_bytes) {
    poller_.add(listener, EPOLLIN, static_cast<std::uint64_t>(listener));
  }

  void run_for_ever() {
    for (;;) {
      for (const epoll_event& event : poller_.wait(-1)) {
        const int fd = static_cast<int>(event.data.u64);
        if (fd == listener_) {
          accept_one();
        } else if (const auto found = connections_.find(fd); found != connections_.end()) {
          if (!serve(found->second)) connections_.erase(found);
        }
      }
    }
  }

 private:
  struct connection {
    unique_fd fd;
    tls_ptr tls;
    std::string unsent;  ///< while not empty nothing more is read
    bool waits = false;  ///< for the socket to be writable
  };

  void accept_one() {
    unique_fd fd(::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    set_nodelay(fd.get());
    const int key = fd.get();
    poller_.add(key, EPOLLIN, static_cast<std::uint64_t>(key));
    connection& c = connections_[key];
    c.fd = std::move(fd);
    c.tls.reset(SSL_new(context_.get()));
    SSL_set_fd(c.tls.get(), key);
    SSL_set_accept_state(c.tls.get());
  }

  // False when the connection is over.
  bool serve(connection& c) {
    if (!c.unsent.empty()) return write(c);
    std::size_t filled = 0;
    while (filled < buffer_.size()) {
      std::size_t count = 0;
      if (SSL_read_ex(c.tls.get(), buffer_.data() + filled, buffer_.size() - filled, &count) == 1) {
        filled += count;
        continue;
      }
      const int error = SSL_get_error(c.tls.get(), 0);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
      break;
    }
    c.unsent.assign(buffer_.data(), filled);
    return filled == 0 || write(c);
  }

  bool write(connection& c) {
    const bool waited = c.waits;
    std::size_t sent = 0;
    while (sent < c.unsent.size()) {
      std::size_t count = 0;
      if (SSL_write_ex(c.tls.get(), c.unsent.data() + sent, c.unsent.size() - sent, &count) != 1) {
        if (SSL_get_error(c.tls.get(), 0) != SSL_ERROR_WANT_WRITE) return false;
        break;
      }
      sent += count;
    }
    c.unsent.erase(0, sent);
    c.waits = !c.unsent.empty();
    if (c.waits != waited) {
      poller_.modify(c.fd.get(), c.waits ? EPOLLOUT : EPOLLIN,
                     static_cast<std::uint64_t>(c.fd.get()));
    }
    return true;
  }

  int listener_;
  tls_context_ptr context_;
  poller poller_;
  std::vector<char> buffer_;
  std::unordered_map<int, connection> connections_;
};

}  // namespace

void run_raw_tls_echo(int listener) {
  raw_tls_echo(listener).run_for_ever();
}

}  // namespace bench
