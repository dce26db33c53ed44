#include "net/quick_peer.hpp"

#include <cerrno>
#include <utility>

namespace vsoa::net {
namespace {

constexpr int receives_per_turn = 16;

}  // namespace

quick_peer::~quick_peer() {
  stop();
}

std::error_code quick_peer::open(const socket_address& server) {
  const int family = server.ip.v6 ? AF_INET6 : AF_INET;
  unique_fd fd(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const raw_address raw = to_raw(server);
  if (!fd || ::connect(fd.get(), raw.get(), raw.length) != 0) {
    return {errno, std::system_category()};
  }
  socket_ = std::move(fd);
  server_ = server;
  return {};
}

// The kernel exchanges the one peer for the other: at no time is anybody else heard.
void quick_peer::turn_to(std::uint16_t port) {
  if (port == server_.port || !socket_) return;
  server_.port = port;
  const raw_address raw = to_raw(server_);
  (void)::connect(socket_.get(), raw.get(), raw.length);
}

void quick_peer::start(callback on_datagram) {
  on_datagram_ = std::move(on_datagram);
  loop_.sockets().add(socket_.get(), *this, EPOLLIN);
  receiving_ = true;
}

void quick_peer::stop() noexcept {
  if (std::exchange(receiving_, false)) loop_.sockets().remove(socket_.get(), *this);
  socket_ = unique_fd();
}

// At most a few a turn: what is left makes the socket ready again, behind everybody else.
void quick_peer::on_ready(std::uint32_t) {
  const auto self = shared_from_this();
  const auto buffer = loop_.receive_buffer();
  for (int i = 0; i < receives_per_turn && receiving_; ++i) {
    const ssize_t count =
        ::recv(socket_.get(), buffer.data(), max_quick_packet_bytes + 1, MSG_DONTWAIT);
    if (count >= 0) {
      on_datagram_(buffer.first(static_cast<std::size_t>(count)));
    } else if (errno == EAGAIN) {
      return;
    }
  }
}

bool quick_peer::send(std::span<const std::byte> datagram) noexcept {
  ssize_t sent = -1;
  do {
    sent = ::send(socket_.get(), datagram.data(), datagram.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    // Refused: what an earlier datagram met, not this one.
  } while (sent < 0 && (errno == EINTR || errno == ECONNREFUSED));
  return sent >= 0;
}

void quick_peer::set_priority(std::uint8_t priority) noexcept {
  set_type_of_service(socket_.get(), server_.ip.v6, priority);
}

}  // namespace vsoa::net
