#include <vector>

#include "line.hpp"
#include "raw_peers.hpp"

namespace bench {
namespace {

bool send_all(const line& to, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = send_some(to, bytes);
    if (!sent) return false;
    bytes.remove_prefix(*sent);
  }
  return true;
}

// To the end of the connection.
void serve(const line& on, std::vector<char>& buffer) {
  char direction = 0;
  if (receive_once(on, &direction, 1) != 1) return;
  if (direction == 'd') {
    while (send_all(on, {buffer.data(), buffer.size()})) {
    }
    return;
  }
  while (const auto got = receive_once(on, buffer.data(), buffer.size())) {
    if (direction == 'e' && !send_all(on, {buffer.data(), *got})) return;
  }
}

}  // namespace

void run_raw_stream(int listener, bool secure) {
  const line_acceptor acceptor(listener, secure);
  std::vector<char> buffer(raw_read_bytes);
  poller waiting;
  waiting.add(listener, EPOLLIN, 0);
  for (;;) {
    (void)waiting.wait(-1);
    const line next = acceptor.accept(true);
    if (next.tcp) serve(next, buffer);
  }
}

}  // namespace bench
