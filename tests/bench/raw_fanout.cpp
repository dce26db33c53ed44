#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "packet.hpp"
#include "raw_outbox.hpp"
#include "raw_peers.hpp"
#include "sockets.hpp"

namespace bench {
namespace {

enum class role { fresh, greeted, publisher, subscriber };

struct fanout_connection {
  unique_fd fd;
  role as = role::fresh;
  raw_outbox outbox;
  bool waits_to_write = false;
};

class raw_fanout {
 public:
  explicit raw_fanout(int listener) : listener_(listener), buffer_(raw_read_bytes) {
    poller_.add(listener, EPOLLIN, 0);
  }

  void run_for_ever() {
    for (;;) {
      for (const epoll_event& event : poller_.wait(-1)) {
        if (event.data.u64 == 0) {
          accept_one();
        } else {
          serve(*std::bit_cast<fanout_connection*>(event.data.u64), event.events);
        }
      }
      sweep();
    }
  }

 private:
  static std::uint64_t tag(fanout_connection& connection) {
    return std::bit_cast<std::uint64_t>(&connection);
  }

  void accept_one() {
    unique_fd fd(::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) return;
    set_nodelay(fd.get());
    auto& connection = *connections_.emplace_back(std::make_unique<fanout_connection>());
    connection.fd = std::move(fd);
    poller_.add(connection.fd.get(), EPOLLIN, tag(connection));
  }

  void serve(fanout_connection& connection, std::uint32_t events) {
    if (!connection.fd) return;
    if ((events & EPOLLOUT) != 0) flush(connection);
    if (connection.fd && (events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) read(connection);
  }

  void read(fanout_connection& connection) {
    const ssize_t got = ::recv(connection.fd.get(), buffer_.data(), buffer_.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) return end(connection);
    const std::string_view bytes(buffer_.data(), static_cast<std::size_t>(got));
    if (connection.as == role::fresh) {
      connection.as = role::greeted;
      return give(connection, bytes);
    }
    if (connection.as == role::greeted) {
      const bool subscribes =
          bytes.size() > 1 && bytes[1] == static_cast<char>(packet_type::subscribe);
      connection.as = subscribes ? role::subscriber : role::publisher;
      if (subscribes) {
        subscribers_.push_back(&connection);
        return give(connection, bytes);
      }
    }
    if (connection.as == role::publisher) {
      for (fanout_connection* subscriber : subscribers_) {
        if (subscriber->fd) give(*subscriber, bytes);
      }
    }
  }

  void give(fanout_connection& to, std::string_view bytes) {
    if (!to.outbox.offer(to.fd.get(), bytes)) return end(to);
    watch_for_room(to, !to.outbox.empty());
  }

  void flush(fanout_connection& to) {
    if (!to.outbox.flush(to.fd.get())) return end(to);
    watch_for_room(to, !to.outbox.empty());
  }

  void watch_for_room(fanout_connection& to, bool on) {
    if (to.waits_to_write == on) return;
    to.waits_to_write = on;
    poller_.modify(to.fd.get(), on ? EPOLLIN | EPOLLOUT : EPOLLIN, tag(to));
  }

  void end(fanout_connection& connection) {
    connection.fd.reset();
    swept_ = false;
  }

  void sweep() {
    if (swept_) return;
    swept_ = true;
    std::erase_if(subscribers_, [](const fanout_connection* each) { return !each->fd; });
    std::erase_if(connections_, [](const auto& each) { return !each->fd; });
  }

  int listener_;
  poller poller_;
  std::vector<char> buffer_;
  std::vector<std::unique_ptr<fanout_connection>> connections_;
  std::vector<fanout_connection*> subscribers_;
  bool swept_ = true;
};

}  // namespace

void run_raw_fanout(int listener) {
  raw_fanout(listener).run_for_ever();
}

}  // namespace bench
