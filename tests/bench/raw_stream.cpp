#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <vector>

#include "raw_peers.hpp"
#include "sockets.hpp"

namespace bench {
namespace {

bool send_all(int fd, const char* from, std::size_t bytes) {
  while (bytes > 0) {
    const ssize_t sent = ::send(fd, from, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    from += sent;
    bytes -= static_cast<std::size_t>(sent);
  }
  return true;
}

// To the end of the connection.
void serve(int fd, std::vector<char>& buffer) {
  char direction = 0;
  if (::recv(fd, &direction, 1, 0) != 1) return;
  if (direction == 'd') {
    while (send_all(fd, buffer.data(), buffer.size())) {
    }
    return;
  }
  for (;;) {
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return;
    if (direction == 'e' && !send_all(fd, buffer.data(), static_cast<std::size_t>(got))) return;
  }
}

}  // namespace

void run_raw_stream(int listener) {
  std::vector<char> buffer(raw_read_bytes);
  poller waiting;
  waiting.add(listener, EPOLLIN, 0);
  for (;;) {
    (void)waiting.wait(-1);
    const unique_fd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd) continue;
    set_nodelay(fd.get());
    serve(fd.get(), buffer);
  }
}

}  // namespace bench
