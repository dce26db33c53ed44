#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "raw_outbox.hpp"
#include "raw_peers.hpp"
#include "sockets.hpp"

namespace bench {
namespace {

struct echo_connection {
  unique_fd fd;
  raw_outbox outbox;  ///< while not empty nothing more is read
};

class raw_echo {
 public:
  explicit raw_echo(int listener) : listener_(listener), buffer_(raw_read_bytes) {
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
  void accept_one() {
    unique_fd fd(::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    set_nodelay(fd.get());
    const int key = fd.get();
    poller_.add(key, EPOLLIN, static_cast<std::uint64_t>(key));
    connections_[key].fd = std::move(fd);
  }

  // False when the connection is over.
  bool serve(echo_connection& connection) {
    const int fd = connection.fd.get();
    const auto key = static_cast<std::uint64_t>(fd);
    if (!connection.outbox.empty()) {
      if (!connection.outbox.flush(fd)) return false;
      if (connection.outbox.empty()) poller_.modify(fd, EPOLLIN, key);
      return true;
    }
    const ssize_t got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0) return false;
    if (!connection.outbox.offer(fd, {buffer_.data(), static_cast<std::size_t>(got)})) return false;
    if (!connection.outbox.empty()) poller_.modify(fd, EPOLLOUT, key);
    return true;
  }

  int listener_;
  poller poller_;
  std::vector<char> buffer_;
  std::unordered_map<int, echo_connection> connections_;
};

}  // namespace

void run_raw_echo(int listener) {
  raw_echo(listener).run_for_ever();
}

}  // namespace bench
