#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "raw_peers.hpp"
#include "sockets.hpp"

namespace bench {
namespace {

constexpr int pipe_bytes = 512 << 10;

// One direction: through a pipe, so that the bytes are not copied.
class way {
 public:
  way(int from, int to) : from_(from), to_(to) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) fail_errno("pipe");
    out_.reset(ends[0]);
    in_.reset(ends[1]);
    ::fcntl(in_.get(), F_SETPIPE_SZ, pipe_bytes);
  }

  // Moves what can be moved now. False when the connection is over.
  bool move() {
    for (bool moved = true; moved;) {
      moved = false;
      if (!has_ended_) {
        const ssize_t got = splice(from_, in_.get());
        if (got < 0 && errno != EAGAIN) return false;
        has_ended_ = got == 0;
        if (got > 0) held_ += static_cast<std::size_t>(got);
        moved = got > 0;
      }
      if (held_ > 0) {
        const ssize_t sent = splice(out_.get(), to_);
        if (sent < 0 && errno != EAGAIN) return false;
        if (sent > 0) held_ -= static_cast<std::size_t>(sent);
        moved = moved || sent > 0;
      }
    }
    if (is_over()) ::shutdown(to_, SHUT_WR);
    return true;
  }
  bool is_over() const { return has_ended_ && held_ == 0; }

 private:
  static ssize_t splice(int from, int to) {
    return ::splice(from, nullptr, to, nullptr, pipe_bytes, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  }

  int from_, to_;
  unique_fd out_, in_;
  std::size_t held_ = 0;
  bool has_ended_ = false;
};

// To the end of both directions.
void relay(const unique_fd& client, const unique_fd& upstream) {
  way up(client.get(), upstream.get());
  way down(upstream.get(), client.get());
  poller waiting;
  for (const int fd : {client.get(), upstream.get()}) {
    set_nonblocking(fd);
    waiting.add(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, 0);
  }
  while (up.move() && down.move() && !(up.is_over() && down.is_over()))
    (void)waiting.wait(-1);
}

}  // namespace

void run_raw_relay(int listener, const address& upstream) {
  poller waiting;
  waiting.add(listener, EPOLLIN, 0);
  for (;;) {
    (void)waiting.wait(-1);
    const unique_fd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    set_nodelay(client.get());
    relay(client, connect_tcp(upstream));
  }
}

}  // namespace bench
