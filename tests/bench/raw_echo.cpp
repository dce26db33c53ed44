#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "line.hpp"
#include "raw_outbox.hpp"
#include "raw_peers.hpp"

namespace bench {
namespace {

struct echo_connection {
  line socket;
  raw_outbox outbox{};         ///< while not empty nothing more is read
  bool may_have_more = false;  ///< inside OpenSSL, of which epoll does not know
};

class raw_echo {
 public:
  raw_echo(int listener, bool secure)
      : listener_(listener), acceptor_(listener, secure), buffer_(raw_read_bytes) {
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
    line socket = acceptor_.accept(false);
    if (!socket.tcp) return;
    const int key = socket.tcp.get();
    poller_.add(key, EPOLLIN, static_cast<std::uint64_t>(key));
    connections_.insert_or_assign(key, echo_connection{std::move(socket)});
  }

  // False when the connection is over.
  bool serve(echo_connection& connection) {
    const int fd = connection.socket.tcp.get();
    const auto key = static_cast<std::uint64_t>(fd);
    if (!connection.outbox.empty()) {
      if (!connection.outbox.flush(connection.socket)) return false;
      if (!connection.outbox.empty()) return true;
      poller_.modify(fd, EPOLLIN, key);
      if (!connection.may_have_more) return true;
    }
    do {
      if (!echo(connection)) return false;
    } while (connection.may_have_more && connection.outbox.empty());
    if (!connection.outbox.empty()) poller_.modify(fd, EPOLLOUT, key);
    return true;
  }

  // One read and one write. False when the connection is over.
  bool echo(echo_connection& connection) {
    const line& on = connection.socket;
    const auto got = receive_some(on, buffer_.data(), buffer_.size());
    if (!got) return false;
    connection.may_have_more = on.tls && *got == buffer_.size();
    return *got == 0 || connection.outbox.offer(on, {buffer_.data(), *got});
  }

  int listener_;
  line_acceptor acceptor_;
  poller poller_;
  std::vector<char> buffer_;
  std::unordered_map<int, echo_connection> connections_;
};

}  // namespace

void run_raw_echo(int listener, bool secure) {
  raw_echo(listener, secure).run_for_ever();
}

}  // namespace bench
