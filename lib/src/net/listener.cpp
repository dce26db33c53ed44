#include "net/listener.hpp"

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>

namespace vsoa::net {
namespace {

constexpr int accepts_per_turn = 64;  // then others have their turn
constexpr std::chrono::milliseconds retry_delay{100};

}  // namespace

listener::listener(loop& where, unique_fd socket, callback on_accept)
    : loop_(where),
      acceptor_(where.context()),
      retry_(where.context()),
      on_accept_(std::move(on_accept)) {
  const bool v6 = local_address(socket.get()).ip.v6;
  acceptor_.assign(v6 ? boost::asio::ip::tcp::v6() : boost::asio::ip::tcp::v4(), socket.release());
}

void listener::start() {
  wait();
}

void listener::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  retry_.cancel();
}

void listener::wait() {
  acceptor_.async_wait(acceptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         if (!error) self->accept_all();
                       });
}

void listener::accept_all() {
  for (int i = 0; i < accepts_per_turn; ++i) {
    if (!acceptor_.is_open()) return;
    if (accept_one()) continue;
    const int error = errno;
    if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) {
      return pause(error);
    }
    if (error == EAGAIN) break;
    // Anything else concerns that one connection: it was reset before we got to it.
  }
  wait();
}

bool listener::accept_one() {
  raw_address raw;
  unique_fd socket(
      ::accept4(acceptor_.native_handle(), raw.get(), &raw.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
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
  retry_.expires_after(retry_delay);
  retry_.async_wait([self = shared_from_this()](const boost::system::error_code& e) {
    if (!e && self->acceptor_.is_open()) self->accept_all();
  });
}

}  // namespace vsoa::net
