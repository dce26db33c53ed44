#include "stream/stream_connector.hpp"

#include <cerrno>
#include <utility>

namespace vsoa {

stream_connector::stream_connector(net::loop& where, const socket_address& to,
                                   std::optional<ip_address> from,
                                   std::chrono::milliseconds timeout) noexcept
    : loop_(where), to_(to), from_(from), timeout_(timeout) {}

stream_connector::~stream_connector() = default;

void stream_connector::start(opened done) {
  socket_ = net::begin_connect(to_, from_);
  // Also of one that is connected already, or has failed, this tells soon.
  loop_.sockets().add(socket_.get(), *this, EPOLLOUT);
  done_ = std::move(done);
  loop_.schedule(*this, net::after(net::clock_now(), timeout_));
}

void stream_connector::cancel() noexcept {
  net::timer_wheel::cancel(*this);
  if (socket_) {
    loop_.sockets().remove(socket_.get(), *this);
    // It may have been taken already: that is not to look like an end that was meant.
    net::set_reset_on_close(socket_.get());
  }
  socket_ = {};
  done_ = nullptr;
}

void stream_connector::on_ready(std::uint32_t) {
  const int error = net::pending_error(socket_.get());
  loop_.sockets().remove(socket_.get(), *this);
  if (error != 0) return finish({}, {error, std::system_category()});
  finish(std::exchange(socket_, {}), {});
}

void stream_connector::on_timer(net::steady_time) {
  finish({}, std::make_error_code(std::errc::timed_out));
}

void stream_connector::finish(net::unique_fd socket, std::error_code error) {
  const opened done = std::exchange(done_, nullptr);
  cancel();
  if (done) done(std::move(socket), error);
}

}  // namespace vsoa
