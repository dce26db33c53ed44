#include "stream/stream_handover.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <exception>
#include <string>
#include <utility>

namespace vsoa {
namespace {

using pair_of_sockets = std::array<net::unique_fd, 2>;

pair_of_sockets unix_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  return {net::unique_fd(ends[0]), net::unique_fd(ends[1])};
}

/// Over loopback; none if there is none, or somebody came in between.
pair_of_sockets tcp_pair() {
  const socket_address any_port{*ip_address::parse("127.0.0.1"), 0};
  const net::unique_fd listener = net::bind_socket(any_port, SOCK_STREAM, 1);
  net::unique_fd one = net::begin_connect(net::local_address(listener.get()));
  pollfd wait{listener.get(), POLLIN, 0};
  if (::poll(&wait, 1, 0) != 1) return {};  // over loopback it is there at once
  net::unique_fd other(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!other || net::peer_address(other.get()) != net::local_address(one.get())) return {};
  return {std::move(one), std::move(other)};
}

// Of TCP if possible, as that can tell a reset from an end.
pair_of_sockets make_pair() {
  try {
    if (pair_of_sockets pair = tcp_pair(); pair[0]) return pair;
  } catch (const std::system_error&) {  // no loopback for us
  }
  return unix_pair();
}

}  // namespace

// --- stream_giver ---

stream_giver::~stream_giver() {
  fail(std::make_error_code(std::errc::timed_out));
}

void stream_giver::give(net::unique_fd socket, stream_registry::place place) {
  const stream_taker taker = std::exchange(taker_, nullptr);
  if (!taker) return;
  handed_stream handed;
  handed.place = std::make_shared<stream_registry::place>(std::move(place));
  handed.socket = socket.release();
  taker(std::move(handed));
}

void stream_giver::fail(std::error_code why) {
  const stream_taker taker = std::exchange(taker_, nullptr);
  if (!taker) return;
  handed_stream handed;
  handed.error = why;
  taker(std::move(handed));
}

// --- stream_handover ---

stream_handover::stream_handover(net::loop& where, stream_taker taker, bool ends_with_client,
                                 stream_registry::place place,
                                 std::shared_ptr<stream_registry> owner)
    : loop_(where),
      giver_(std::move(taker)),
      ends_with_client_(ends_with_client),
      place_(std::move(place)),
      owner_(std::move(owner)) {}

void stream_handover::open(std::unique_ptr<stream_opener> client) {
  loop_.post(
      [self = shared_from_this(), c = std::move(client)]() mutable { self->begin(std::move(c)); });
}

void stream_handover::begin(std::unique_ptr<stream_opener> client) {
  if (!owner_->add(shared_from_this(), place_.client())) {
    return fail(std::make_error_code(std::errc::operation_canceled));
  }
  opener_ = std::move(client);
  try {
    opener_->start(
        [this](net::unique_fd socket, std::error_code error) { opened(std::move(socket), error); });
  } catch (const std::system_error& e) {
    fail(e.code());
  }
}

void stream_handover::opened(net::unique_fd socket, std::error_code error) {
  const auto self = shared_from_this();
  // It is still in use up the stack.
  loop_.post([old = std::shared_ptr<stream_opener>(std::move(opener_))] {});
  if (!socket) return fail(error);
  is_over_ = true;
  owner_->remove(*this);
  giver_.give(std::move(socket), std::move(place_));
}

void stream_handover::fail(std::error_code why) {
  if (std::exchange(is_over_, true)) return;
  const auto self = shared_from_this();
  if (opener_) opener_->cancel();
  opener_.reset();
  place_ = {};
  owner_->remove(*this);
  giver_.fail(why);
}

void stream_handover::close_here() {
  abort_here();
}

void stream_handover::abort_here() {
  fail(std::make_error_code(std::errc::operation_canceled));
}

// --- stream_pair_opener ---

void stream_pair_opener::start(opened done) {
  auto pair = std::make_shared<pair_of_sockets>(make_pair());
  loop_.post([this, pair, done = std::move(done), is_cancelled = is_cancelled_] {
    if (*is_cancelled) return;
    giver_.give(std::move((*pair)[1]), {});
    done(std::move((*pair)[0]), {});
  });
}

}  // namespace vsoa
