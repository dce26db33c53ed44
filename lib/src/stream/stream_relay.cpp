#include "stream/stream_relay.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>
#include <utility>

namespace vsoa {
namespace {

// What a pipe may hold; the kernel gives less to users who have many, and that works, too.
constexpr int pipe_bytes = 512 << 10;
// Moved for one relay, in each direction, before others on the loop have their turn.
constexpr std::size_t relay_turn_bytes = 1U << 20;
constexpr unsigned splice_flags = SPLICE_F_NONBLOCK | SPLICE_F_MOVE;

void make_pipe(net::unique_fd& out, net::unique_fd& in) {
  int ends[2];
  if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe2");
  }
  out = net::unique_fd(ends[0]);
  in = net::unique_fd(ends[1]);
  (void)::fcntl(in.get(), F_SETPIPE_SZ, pipe_bytes);
}

}  // namespace

stream_relay::stream_relay(net::loop& where, const stream_options& options, bool splices,
                           std::array<stream_security, 2> security, stream_registry::place place,
                           std::shared_ptr<stream_registry> owner)
    : loop_(where),
      ends_with_client_(options.ends_with_client),
      keepalive_(options.keepalive),
      splices_(splices),
      owner_(std::move(owner)),
      place_(std::move(place)),
      security_(std::move(security)) {
  for (std::size_t i = 0; i < 2; ++i) {
    sides_[i].relay = this;
    sides_[i].number = i;
    directions_[i].from = &sides_[i];
    directions_[i].to = &sides_[1 - i];
  }
}

stream_relay::~stream_relay() = default;

// --- the beginning ---

void stream_relay::open(std::unique_ptr<stream_opener> client,
                        std::unique_ptr<stream_opener> upstream) {
  loop_.post([self = shared_from_this(), c = std::move(client), u = std::move(upstream)]() mutable {
    self->begin(std::move(c), std::move(u));
  });
}

void stream_relay::begin(std::unique_ptr<stream_opener> client,
                         std::unique_ptr<stream_opener> upstream) {
  if (!owner_->add(shared_from_this(), place_.client())) return finish(true);
  openers_[1] = std::move(upstream);
  connect(std::move(client), 0);
}

void stream_relay::connect(std::unique_ptr<stream_opener> with, std::size_t number) {
  openers_[number] = std::move(with);
  try {
    openers_[number]->start([this, number](net::unique_fd socket, std::error_code) {
      opened(number, std::move(socket));
    });
  } catch (const std::system_error&) {
    finish(true);
  }
}

void stream_relay::opened(std::size_t number, net::unique_fd socket) {
  const auto self = shared_from_this();
  // It is still in use up the stack.
  loop_.post([old = std::move(openers_[number])] {});
  if (!socket) return finish(true);
  net::set_no_delay(socket.get());
  if (keepalive_.count() > 0) net::set_keepalive(socket.get(), keepalive_);
  side& s = sides_[number];
  s.bytes = security_[number].over(std::move(socket));
  security_[number] = {};
  try {
    loop_.sockets().add(s.bytes.handle(), s, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  } catch (const std::system_error&) {
    return finish(true);
  }
  if (s.bytes.is_secured()) return secured(number);
  loop_.schedule(*this, net::after(net::clock_now(), s.bytes.handshake_timeout()));
  secure(number);
}

void stream_relay::secure(std::size_t number) {
  const auto what = sides_[number].bytes.handshake().what;
  if (what == net::transport::outcome::done) return secured(number);
  if (what != net::transport::outcome::blocked) finish(true);
}

void stream_relay::secured(std::size_t number) {
  net::timer_wheel::cancel(*this);
  if (number == 1) return join();
  connect(std::move(openers_[1]), 1);
}

void stream_relay::join() {
  try {
    const bool plain = !sides_[0].bytes.has_tls() && !sides_[1].bytes.has_tls();
    for (direction& d : directions_) {
      if (splices_ && plain) make_pipe(d.pipe_out, d.pipe_in);
    }
  } catch (const std::system_error& e) {
    loop_.log_line(log_level::error, std::string("stream relay: ") + e.what());
    return finish(true);
  }
  is_joined_ = true;
  if (keepalive_.count() > 0) loop_.schedule(*this, net::after(net::clock_now(), keepalive_));
  pump();
}

// --- the bytes ---

void stream_relay::ready(side& s, std::uint32_t events) {
  const auto self = shared_from_this();
  if ((events & EPOLLERR) != 0) return finish(true);
  if ((events & ~std::uint32_t{EPOLLOUT}) != 0) s.is_readable = true;
  if ((events & EPOLLOUT) != 0) s.is_writable = true;
  if (!s.bytes.is_secured()) return secure(s.number);
  if (is_joined_) pump();
}

void stream_relay::pump() {
  std::size_t moved = 0;
  for (bool more = true; more && !has_ended_;) {
    if (moved >= relay_turn_bytes) {
      return pump_later();
    }
    std::size_t now = 0;
    for (direction& d : directions_) {
      if (d.to->is_writable && d.to->bytes.wants_write() && !d.kept) (void)d.to->bytes.write({});
      now += move(d);
    }
    if (is_broken_) return finish(true);
    if (is_over()) return finish(false);
    moved += now;
    more = now != 0;
  }
}

// Readiness that comes before it pumps, too: one at a time, or they would grow in number.
void stream_relay::pump_later() {
  if (std::exchange(is_pump_posted_, true)) return;
  loop_.post([self = shared_from_this()] {
    self->is_pump_posted_ = false;
    self->pump();
  });
}

// Also what TLS has to say at the end is said.
bool stream_relay::is_over() const noexcept {
  const auto is_done = [](const direction& d) { return d.ended && !d.to->bytes.wants_write(); };
  return is_done(directions_[0]) && is_done(directions_[1]);
}

/// @return bytes that went in or out; 0: nothing can be done now
std::size_t stream_relay::move(direction& d) {
  if (d.ended) return 0;
  const std::size_t moved = fill(d) + drain(d);
  if (d.input_ended && d.is_empty()) {
    // What was cut off must not look whole to the other side.
    if (d.from->bytes.is_cut()) {
      is_broken_ = true;
      return moved;
    }
    d.to->bytes.shutdown_write();
    d.ended = true;
  }
  return moved;
}

std::size_t stream_relay::fill(direction& d) {
  if (d.input_ended || !d.from->is_readable) return 0;
  return d.pipe_in ? fill_pipe(d) : copy(d);
}

std::size_t stream_relay::drain(direction& d) {
  if (!d.to->is_writable) return 0;
  return d.pipe_in ? drain_pipe(d) : drain_kept(d);
}

std::size_t stream_relay::fill_pipe(direction& d) {
  const ssize_t count = ::splice(d.from->bytes.handle(), nullptr, d.pipe_in.get(), nullptr,
                                 static_cast<std::size_t>(pipe_bytes), splice_flags);
  if (count > 0) {
    d.in_pipe += static_cast<std::size_t>(count);
    return static_cast<std::size_t>(count);
  }
  if (count == 0) {
    d.input_ended = true;
  } else if (errno == EAGAIN) {
    // Else it may be the pipe that is full: it is tried again when that is empty.
    if (d.in_pipe == 0) d.from->is_readable = false;
  } else if (errno != EINTR) {
    is_broken_ = true;
  }
  return 0;
}

std::size_t stream_relay::drain_pipe(direction& d) {
  if (d.in_pipe == 0) return 0;
  const ssize_t count =
      ::splice(d.pipe_out.get(), nullptr, d.to->bytes.handle(), nullptr, d.in_pipe, splice_flags);
  if (count > 0) {
    d.in_pipe -= static_cast<std::size_t>(count);
    owner_->count_sent(static_cast<std::uint64_t>(count));
    return static_cast<std::size_t>(count);
  }
  if (errno == EAGAIN) {
    d.to->is_writable = false;
  } else if (errno != EINTR) {
    is_broken_ = true;
  }
  return 0;
}

std::size_t stream_relay::copy(direction& d) {
  if (d.kept || !d.to->is_writable) return 0;
  const auto buffer = loop_.receive_buffer();
  const auto [what, count] = d.from->bytes.read(buffer);
  if (what == net::transport::outcome::blocked) d.from->is_readable = false;
  if (what == net::transport::outcome::closed) d.input_ended = true;
  if (what == net::transport::outcome::failed) is_broken_ = true;
  if (count == 0) return 0;
  iovec part{buffer.data(), count};
  const auto written = d.to->bytes.write({&part, 1});
  if (written.what == net::transport::outcome::failed) is_broken_ = true;
  if (written.what == net::transport::outcome::blocked) d.to->is_writable = false;
  owner_->count_sent(written.bytes);
  if (written.bytes != count && !is_broken_) {
    const std::size_t rest = count - written.bytes;
    d.kept = net::chunk::allocate(rest);
    std::memcpy(d.kept->extend(rest), buffer.data() + written.bytes, rest);
    d.kept_begin = 0;
  }
  return count;
}

std::size_t stream_relay::drain_kept(direction& d) {
  if (!d.kept) return 0;
  iovec part{d.kept->data() + d.kept_begin, d.kept->size() - d.kept_begin};
  const auto [what, count] = d.to->bytes.write({&part, 1});
  if (what == net::transport::outcome::failed) is_broken_ = true;
  if (what == net::transport::outcome::blocked) d.to->is_writable = false;
  owner_->count_sent(count);
  d.kept_begin += count;
  if (d.kept_begin == d.kept->size()) d.kept.reset();
  return count;
}

// --- the end ---

// The TLS handshake of one side has taken too long; or it is time to see who is still there.
void stream_relay::on_timer(net::steady_time now) {
  const auto is_gone = [this](const side& s) {
    return net::is_unanswered(s.bytes.handle(), keepalive_);
  };
  if (!is_joined_ || is_gone(sides_[0]) || is_gone(sides_[1])) return finish(true);
  loop_.schedule(*this, net::after(now, keepalive_));
}

// With both ends known, all that is left is to pass them on.
void stream_relay::close_here() {
  if (!directions_[0].input_ended || !directions_[1].input_ended) finish(true);
}

void stream_relay::abort_here() {
  finish(true);
}

void stream_relay::finish(bool reset) {
  if (std::exchange(has_ended_, true)) return;
  const auto self = shared_from_this();
  net::timer_wheel::cancel(*this);
  for (auto& opener : openers_) {
    if (opener) opener->cancel();
    opener.reset();
  }
  for (side& s : sides_) {
    if (!s.bytes) continue;
    loop_.sockets().remove(s.bytes.handle(), s);
    s.bytes.close(reset);
  }
  for (direction& d : directions_) {
    d.kept.reset();
    d.pipe_in = {};
    d.pipe_out = {};
  }
  place_ = {};
  owner_->remove(*this);
}

}  // namespace vsoa
