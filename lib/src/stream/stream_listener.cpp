#include "stream/stream_listener.hpp"

#include <utility>

namespace vsoa {
namespace {

// One client is waited for; the rest is room for strangers, who are sent away at once.
constexpr int backlog_count = 4;

}  // namespace

net::unique_fd stream_listener::bind(const ip_address& at) {
  return net::bind_socket({at, 0}, SOCK_STREAM, backlog_count);
}

stream_listener::stream_listener(net::loop& where, net::unique_fd socket, const ip_address& only,
                                 std::chrono::milliseconds timeout,
                                 std::shared_ptr<stream_registry> owner)
    : loop_(where),
      listener_(
          where, std::move(socket),
          [this](net::unique_fd fd, const socket_address& peer) { arrived(std::move(fd), peer); }),
      only_(only),
      timeout_(timeout),
      owner_(std::move(owner)) {}

stream_listener::~stream_listener() = default;

void stream_listener::start(opened done) {
  done_ = std::move(done);
  listener_.start();
  loop_.schedule(*this, net::after(net::clock_now(), timeout_));
}

void stream_listener::cancel() noexcept {
  net::timer_wheel::cancel(*this);
  listener_.stop();
  done_ = nullptr;
}

void stream_listener::arrived(net::unique_fd socket, const socket_address& peer) {
  if (peer.ip == only_) return finish(std::move(socket), {});
  owner_->count_stranger();
  net::set_reset_on_close(socket.get());
}

void stream_listener::on_timer(net::steady_time) {
  owner_->count_timeout();
  finish({}, std::make_error_code(std::errc::timed_out));
}

void stream_listener::finish(net::unique_fd socket, std::error_code error) {
  const opened done = std::exchange(done_, nullptr);
  cancel();
  if (done) done(std::move(socket), error);
}

}  // namespace vsoa
