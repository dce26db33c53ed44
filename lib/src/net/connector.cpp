#include "net/connector.hpp"

#include <cerrno>
#include <utility>

namespace vsoa::net {
namespace {

std::error_code system_error(int number) noexcept {
  return {number, std::system_category()};
}

}  // namespace

connector::~connector() {
  cancel();
}

void connector::start(const socket_address& to, std::chrono::milliseconds timeout, callback done) {
  cancel();
  done_ = std::move(done);
  failed_ = open(to);
  const auto now = std::chrono::steady_clock::now();
  loop_.schedule(*this, failed_ ? now : now + timeout);
}

std::error_code connector::open(const socket_address& to) {
  try {
    unique_fd fd = begin_connect(to);
    loop_.sockets().add(fd.get(), *this, EPOLLOUT);
    socket_ = std::move(fd);
  } catch (const std::system_error& e) {
    return e.code();
  }
  return {};
}

void connector::on_ready(std::uint32_t) {
  finish(system_error(pending_error(socket_.get())));
}

void connector::on_timer(steady_time) {
  finish(failed_ ? failed_ : system_error(ETIMEDOUT));
}

void connector::finish(std::error_code error) {
  unique_fd socket = std::exchange(socket_, unique_fd());
  if (socket) loop_.sockets().remove(socket.get(), *this);
  timer_wheel::cancel(*this);
  if (error) socket = unique_fd();
  // It may destroy this.
  callback done = std::move(done_);
  if (done) done(error, std::move(socket));
}

void connector::cancel() noexcept {
  if (socket_) loop_.sockets().remove(socket_.get(), *this);
  socket_ = unique_fd();
  timer_wheel::cancel(*this);
  done_.reset();
}

}  // namespace vsoa::net
