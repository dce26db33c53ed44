#include "stream/stream_awaiter.hpp"

#include <fcntl.h>

#include <utility>

namespace vsoa {

stream_awaiter::stream_awaiter(net::loop& where)
    : state_(new state{where, {}, {}, {}, false, false}) {}

std::function<void(int socket, std::error_code error)> stream_awaiter::entrance() const {
  return [s = state_](int number, std::error_code error) {
    net::unique_fd socket(number);
    if (socket) (void)::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
    s->loop.post(
        [s, fd = std::move(socket), error]() mutable { arrived(*s, std::move(fd), error); });
  };
}

void stream_awaiter::start(opened done) {
  state_->done = std::move(done);
  if (state_->has_come) state_->loop.post([s = state_] { finish(*s); });
}

void stream_awaiter::cancel() noexcept {
  state_->is_over = true;
  state_->done = nullptr;
  if (state_->socket) net::set_reset_on_close(state_->socket.get());
  state_->socket = {};
}

void stream_awaiter::arrived(state& s, net::unique_fd socket, std::error_code error) {
  if (s.has_come || s.is_over) {  // it may have been meant for who is no longer there
    if (socket) net::set_reset_on_close(socket.get());
    return;
  }
  s.has_come = true;
  s.socket = std::move(socket);
  s.error = error;
  finish(s);
}

void stream_awaiter::finish(state& s) {
  const opened done = std::exchange(s.done, nullptr);
  if (!done || std::exchange(s.is_over, true)) return;
  done(std::exchange(s.socket, {}), s.error);
}

}  // namespace vsoa
