#include "stream/stream_impl.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "net/socket.hpp"

namespace vsoa {
namespace {

// Of one read. What is sent on and not taken by the kernel must be copied, so not more than this.
constexpr std::size_t read_bytes = 128U << 10;
static_assert(read_bytes <= stream::max_piece && read_bytes >= net::transport::min_read_bytes);
// Of interest_: the poller does not know the socket.
constexpr std::uint32_t not_asked = ~std::uint32_t{0};

int broken(int error) {
  return error == 0 || error == EPIPE ? ECONNRESET : error;
}

}  // namespace

stream_impl::stream_impl(net::loop& where, stream_callbacks callbacks,
                         const stream_options& options, stream_security security,
                         stream_registry::place place, std::shared_ptr<stream_registry> owner)
    : loop_(where),
      callbacks_(std::move(callbacks)),
      options_(options),
      owner_(std::move(owner)),
      place_(std::move(place)),
      security_(std::move(security)),
      interest_(not_asked) {}

stream_impl::~stream_impl() = default;

// --- the beginning ---

void stream_impl::open(std::unique_ptr<stream_opener> opener) {
  loop_.post(
      [self = shared_from_this(), o = std::move(opener)]() mutable { self->begin(std::move(o)); });
}

void stream_impl::begin(std::unique_ptr<stream_opener> opener) {
  if (state_ != state::opening) return;
  if (!owner_->add(shared_from_this(), place_.client())) {
    return finish(std::make_error_code(std::errc::operation_canceled));
  }
  opener_ = std::move(opener);
  try {
    opener_->start(
        [this](net::unique_fd socket, std::error_code error) { opened(std::move(socket), error); });
  } catch (const std::system_error& e) {
    finish(e.code());
  }
}

void stream_impl::opened(net::unique_fd socket, std::error_code error) {
  const auto self = shared_from_this();
  // It is still in use up the stack.
  loop_.post([old = std::move(opener_)] {});
  if (!socket) return finish(error);
  net::set_no_delay(socket.get());
  peer_ = net::peer_address(socket.get());
  if (options_.keepalive.count() > 0) net::set_keepalive(socket.get(), options_.keepalive);
  if (options_.reset_at_exit) net::set_reset_on_close(socket.get());
  transport_ = security_.over(std::move(socket));
  security_ = {};
  if (transport_.is_secured()) return connected();
  secure_until_ = net::after(net::clock_now(), transport_.handshake_timeout());
  arm(secure_until_);
  secure();
}

void stream_impl::secure() {
  switch (transport_.handshake().what) {
    case net::transport::outcome::blocked:
      return update_interest();
    case net::transport::outcome::done:
      secure_until_ = net::steady_time::max();
      return connected();
    case net::transport::outcome::closed:
    case net::transport::outcome::failed:
      return finish(std::make_error_code(std::errc::protocol_error));
  }
}

void stream_impl::connected() {
  budget_ = turn_bytes;
  state_.store(state::connected, std::memory_order_release);
  update_interest();
  look_after_peer();
  tell(callbacks_.on_link, true);
  if (is_last_) flush_last();  // shut before it was there
}

// --- readiness ---

void stream_impl::on_ready(std::uint32_t events) {
  const auto self = shared_from_this();
  budget_ = turn_bytes;
  if ((events & EPOLLERR) != 0) {
    return finish({broken(net::pending_error(transport_.handle())), std::system_category()});
  }
  if (!transport_.is_secured()) return secure();
  const bool reads = (interest_ & EPOLLIN) != 0 && wants_input();
  if ((events & EPOLLHUP) != 0 && !reads) {
    // Both directions are over, and it would be told for ever; what has come is read when wanted.
    loop_.sockets().remove(transport_.handle(), *this);
    interest_ = not_asked;
    return;
  }
  if ((events & EPOLLOUT) != 0) {
    waiting_writable_ = false;
    if (transport_.wants_write() && outbox_.empty()) (void)transport_.write({});
    flush();
  }
  // What has been told meanwhile may have paused or ended it.
  const bool has_input = reads && (events & (EPOLLIN | EPOLLHUP)) != 0;
  if (has_input && transport_ && wants_input()) on_readable();
  update_interest();
}

void stream_impl::update_interest() {
  if (!transport_) return;
  const bool writes = waiting_writable_ || transport_.wants_write();
  const std::uint32_t wanted = (wants_input() ? EPOLLIN : 0U) | (writes ? EPOLLOUT : 0U);
  if (wanted == interest_) return;
  if (interest_ == not_asked) {
    if (wanted == 0) return;
    try {
      loop_.sockets().add(transport_.handle(), *this, wanted);
    } catch (const std::system_error& e) {
      return fail_soon(e.code().value());
    }
  } else {
    loop_.sockets().change(transport_.handle(), *this, wanted);
  }
  interest_ = wanted;
}

// --- reading ---

bool stream_impl::wants_input() const noexcept {
  if (!transport_.is_secured()) return true;  // the handshake does
  return !input_ended_ && (state_ == state::closing || (!paused_ && !is_silent_));
}

void stream_impl::on_readable() {
  do {
    read_once();
  } while (is_connected() && transport_.has_pending() && wants_input());
}

// What has been read is told, also when another thread has paused the stream meanwhile: the other
// side has had its acknowledgement.
void stream_impl::read_once() {
  const auto buffer = loop_.receive_buffer().first(read_bytes);
  const bool wanted = state_ == state::connected;
  const auto [what, count] = wanted ? transport_.read(buffer) : transport_.discard(buffer);
  switch (what) {
    case net::transport::outcome::done:
      if (!wanted) break;
      received_ += count;
      owner_->count_received(count);
      tell(callbacks_.on_data, buffer.first(count));
      break;
    case net::transport::outcome::closed:
      // Told, but no reason to stop: the other direction may be whole.
      if (transport_.is_cut()) error_.store(ECONNABORTED);
      input_ended();
      break;
    case net::transport::outcome::failed:
      finish_broken();
      break;
    case net::transport::outcome::blocked:
      break;
  }
}

// Right after the call that has failed.
void stream_impl::finish_broken() {
  const int error = errno;
  finish(transport_.failure().empty() ? std::error_code(broken(error), std::system_category())
                                      : std::make_error_code(std::errc::protocol_error));
}

void stream_impl::input_ended() {
  input_ended_ = true;
  if (output_ended_) return end_output();
  if (state_ == state::closing) return;
  if (callbacks_.on_end) {
    tell(callbacks_.on_end);
  } else {
    end_here();
  }
}

void stream_impl::set_paused(bool paused) {
  // Stored at once: of two threads the later has its way, whichever comes to the loop first.
  paused_.store(paused);
  on_loop([](stream_impl& self) {
    self.update_interest();
    if (self.paused_ || !self.transport_ || !self.transport_.has_pending()) return;
    // What is pending does not make the socket readable.
    self.loop_.post([again = self.shared_from_this()] {
      if (again->is_connected() && again->wants_input()) again->on_readable();
      again->update_interest();
    });
  });
}

// --- time ---

std::chrono::milliseconds stream_impl::patience() const noexcept {
  if (options_.send_timeout.count() > 0) return options_.send_timeout;
  return state_ == state::closing ? linger_time : std::chrono::milliseconds(0);
}

void stream_impl::set_send_timeout(std::chrono::milliseconds timeout) {
  on_loop([timeout](stream_impl& self) {
    self.options_.send_timeout = timeout;
    if (self.waiting_writable_) self.wait_writable();
  });
}

void stream_impl::set_keepalive(std::chrono::seconds idle) {
  on_loop([idle](stream_impl& self) {
    self.options_.keepalive = idle;
    if (!self.transport_) return;
    net::set_keepalive(self.transport_.handle(), idle);
    self.look_after_peer();
  });
}

void stream_impl::look_after_peer() {
  look_at_ = net::steady_time::max();
  if (options_.keepalive.count() <= 0) return;
  look_at_ = net::after(net::clock_now(), options_.keepalive);
  arm(look_at_);
}

void stream_impl::arm(net::steady_time when) {
  if (!is_waiting() || due() > when) loop_.schedule(*this, when);
}

void stream_impl::on_timer(net::steady_time now) {
  const auto self = shared_from_this();
  if (now >= linger_until_) return finish({});
  if (now >= secure_until_) return finish(std::make_error_code(std::errc::timed_out));
  if (is_stuck(now) || is_peer_gone(now)) {
    resets_ = true;
    return finish(std::make_error_code(std::errc::timed_out));
  }
  if (state_ == state::ended) return;
  net::steady_time next = std::min({linger_until_, secure_until_, look_at_});
  if (blocked_since_ != net::steady_time::max() && patience().count() > 0) {
    next = std::min(next, net::after(blocked_since_, patience()));
  }
  if (next != net::steady_time::max()) arm(next);
}

// Whether the kernel has taken nothing for too long.
bool stream_impl::is_stuck(net::steady_time now) {
  const auto overdue = [&] {
    return blocked_since_ != net::steady_time::max() && patience().count() > 0 &&
           now >= net::after(blocked_since_, patience());
  };
  if (!overdue()) return false;
  // It calls a socket writable only when a third of its buffer is free, which a slow reader may
  // take long to make: so it is asked.
  budget_ = turn_bytes;
  waiting_writable_ = false;
  flush();
  update_interest();
  return overdue();
}

bool stream_impl::is_peer_gone(net::steady_time now) {
  if (now < look_at_ || !transport_) return false;
  look_after_peer();
  return net::is_unanswered(transport_.handle(), options_.keepalive);
}

// --- the end ---

// Put off: the caller may be in a callback, or hold a lock that on_link() takes.
void stream_impl::close() {
  said_all_.store(true);
  if (state_.load(std::memory_order_acquire) == state::ended) return;
  if (loop_.is_here()) is_silent_ = true;
  loop_.post([self = shared_from_this()] { self->end_here(); });
}

void stream_impl::abort() {
  said_all_.store(true);
  if (state_.load(std::memory_order_acquire) == state::ended) return;
  if (loop_.is_here()) is_silent_ = true;
  loop_.post([self = shared_from_this()] { self->abort_here(); });
}

void stream_impl::close_here() {
  said_all_.load() ? end_here() : abort_here();
}

// Closing with unread input would reset the connection and destroy what is under way: so it is
// thrown away until the other side has closed.
void stream_impl::end_here() {
  said_all_.store(true);
  if (state_ == state::opening) {
    return finish(std::make_error_code(std::errc::operation_canceled));
  }
  if (state_ != state::connected) return;
  const auto self = shared_from_this();
  is_last_ = true;
  state_.store(state::closing, std::memory_order_release);
  if (outbox_.empty()) {
    flush();
  } else {
    wait_writable();
  }
  update_interest();
}

void stream_impl::abort_here() {
  if (state_ == state::ended) return;
  const bool was_open = static_cast<bool>(transport_);
  // Who has been sent all is not to lose what is still under way.
  resets_ = !output_ended_;
  finish(was_open ? std::error_code{} : std::make_error_code(std::errc::operation_canceled));
}

void stream_impl::fail_soon(int error) {
  said_all_.store(true);
  loop_.post([self = shared_from_this(), code = broken(error)] {
    self->finish({code, std::system_category()});
  });
}

void stream_impl::finish(std::error_code why) {
  if (state_.exchange(state::ended) == state::ended) return;
  const auto self = shared_from_this();
  if (why) error_.store(why.value());
  said_all_.store(true);
  net::timer_wheel::cancel(*this);
  if (opener_) {
    opener_->cancel();
    opener_.reset();
  }
  if (transport_) {
    if (interest_ != not_asked) loop_.sockets().remove(transport_.handle(), *this);
    if (options_.reset_at_exit) net::set_reset_on_close(transport_.handle(), false);
    transport_.close(resets_);
  }
  forget_queued(outbox_.bytes());
  outbox_.clear();
  place_ = {};
  owner_->remove(*this);
  tell(callbacks_.on_link, false);
  callbacks_ = {};
}

// --- what is told about it ---

std::error_code stream_impl::error() const noexcept {
  return {error_.load(), std::generic_category()};
}

stream_counters stream_impl::counters() const noexcept {
  return {received_, sent_, queued_.load()};
}

socket_address stream_impl::peer() const {
  return state_.load(std::memory_order_acquire) == state::opening ? socket_address{} : peer_;
}

}  // namespace vsoa
