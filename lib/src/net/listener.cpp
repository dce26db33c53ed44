#include "net/listener.hpp"

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <utility>

namespace vsoa::net {
namespace {

constexpr int accepts_per_turn = 64;  // then others have their turn
constexpr std::chrono::milliseconds retry_delay{100};

// It was reset before we got to it, or the network has news of it.
bool is_of_one_connection(int error) {
  switch (error) {
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case EOPNOTSUPP:
    case ENETUNREACH:
      return true;
    default:
      return false;
  }
}

}  // namespace

listener::listener(loop& where, unique_fd socket, callback on_accept)
    : loop_(where), socket_(std::move(socket)), on_accept_(std::move(on_accept)) {}

void listener::start() {
  loop_.sockets().add(socket_.get(), *this, EPOLLIN);
}

void listener::stop() {
  if (!socket_) return;
  timer_wheel::cancel(*this);
  loop_.sockets().remove(socket_.get(), *this);
  socket_ = {};
}

void listener::on_ready(std::uint32_t) {
  for (int i = 0; i < accepts_per_turn && socket_; ++i) {
    if (accept_one()) continue;
    const int error = errno;
    if (error == EAGAIN) return;
    if (!is_of_one_connection(error)) return pause(error);
  }
}

bool listener::accept_one() {
  raw_address raw;
  unique_fd socket(::accept4(socket_.get(), raw.get(), &raw.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) return false;
  failing_ = false;
  on_accept_(std::move(socket), from_raw(raw));
  return true;
}

// The connection stays in the kernel's queue; trying again at once would only spin.
void listener::pause(int error) {
  if (!failing_) {
    failing_ = true;
    loop_.log_line(log_level::error,
                   "accept: " + std::system_category().message(error) + "; trying again");
  }
  loop_.sockets().change(socket_.get(), *this, 0);
  loop_.schedule(*this, std::chrono::steady_clock::now() + retry_delay);
}

void listener::on_timer(steady_time) {
  loop_.sockets().change(socket_.get(), *this, EPOLLIN);
}

}  // namespace vsoa::net
