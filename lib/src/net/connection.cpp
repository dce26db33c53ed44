#include "net/connection.hpp"

#include <algorithm>
#include <array>
#include <system_error>

namespace vsoa::net {
namespace {

// Of interest_: the poller does not know the socket for now.
constexpr std::uint32_t not_asked = ~std::uint32_t{0};

// A long read is answered in two halves, so that the other side has something to do while the
// second is worked off here: two that wait for each other in turn are half as fast.
class halfway {
 public:
  explicit halfway(std::size_t bytes_behind) noexcept : bytes_behind_(bytes_behind) {}

  // Once, at the packet that brings the input to its middle, if an early write is worth its price.
  bool ends(std::size_t behind, std::size_t answers) noexcept {
    ++packets_;
    if (behind > bytes_behind_ || bytes_behind_ == 0) return false;
    bytes_behind_ = 0;
    return packets_ >= min_packets || answers >= min_answers;
  }

 private:
  static constexpr unsigned min_packets = 24;
  static constexpr std::size_t min_answers = 64U << 10;

  std::size_t bytes_behind_;
  unsigned packets_ = 0;
};

std::chrono::milliseconds or_never(std::chrono::milliseconds timeout) noexcept {
  return timeout.count() > 0 ? timeout : std::chrono::milliseconds::max();
}

}  // namespace

connection::connection(loop& where, transport bytes, bool v6, traffic& counters, const settings& s)
    : loop_(where), transport_(std::move(bytes)), traffic_(counters), settings_(s), v6_(v6) {
  settings_.send_timeout = or_never(s.send_timeout);
  set_no_delay(native_handle());
}

connection::~connection() = default;

void connection::start() {
  interest_ = EPOLLIN | (transport_.speaks_first() ? EPOLLOUT : 0U);
  loop_.sockets().add(native_handle(), *this, interest_);
}

// --- readiness ---

void connection::on_ready(std::uint32_t events) {
  const boost::intrusive_ptr<connection> self(this);
  if (!transport_.is_secured() && state_ == state::open) return secure();
  if ((events & EPOLLOUT) != 0) {
    waiting_writable_ = false;
    if (transport_.wants_write() && outbox_.empty()) (void)transport_.write({});
    flush_requested();
  }
  if (state_ == state::closed) return;
  const bool gone = (events & (EPOLLHUP | EPOLLERR)) != 0;
  if ((interest_ & EPOLLIN) != 0) {
    if (gone || (events & EPOLLIN) != 0) on_readable();
  } else if (gone) {
    // Would be told for ever. What is kept back is still worked off: datagrams want no answer.
    if (!reader_.is_paused() || reading_stopped_) return close(close_reason::peer);
    loop_.sockets().remove(native_handle(), *this);
    interest_ = not_asked;
    return;
  }
  update_interest();
}

std::uint32_t connection::wanted_events() const noexcept {
  const bool reads = state_ == state::lingering || (!reading_stopped_ && !reader_.is_paused());
  const bool writes = waiting_writable_ || transport_.wants_write();
  return (reads ? EPOLLIN : 0U) | (writes ? EPOLLOUT : 0U);
}

void connection::update_interest() {
  if (state_ == state::closed || !transport_) return;
  const std::uint32_t wanted = wanted_events();
  if (wanted == interest_) return;
  if (interest_ == not_asked) {
    if ((wanted & EPOLLIN) == 0) return;
    try {
      loop_.sockets().add(native_handle(), *this, wanted);
    } catch (const std::system_error&) {
      return state_ == state::lingering ? finish(true) : close(close_reason::peer);
    }
  } else {
    loop_.sockets().change(native_handle(), *this, wanted);
  }
  interest_ = wanted;
}

void connection::stop_reading() noexcept {
  reading_stopped_ = true;
  update_interest();
}

// --- TLS ---

void connection::secure() {
  switch (transport_.handshake().what) {
    case transport::outcome::blocked:
      break;
    case transport::outcome::done:
      on_secured();
      flush_requested();  // what has been sent meanwhile
      break;
    case transport::outcome::closed:
    case transport::outcome::failed:
      return refuse_tls();
  }
  update_interest();
}

// The other side is told why, by TLS itself: that must not be destroyed by a reset.
void connection::refuse_tls() {
  outbox_.clear();
  account();
  close_gracefully(close_reason::tls);
}

// --- reading ---

void connection::on_readable() {
  if (state_ == state::lingering) return discard_input();
  do {
    read_once();
  } while (transport_.has_pending() && state_ == state::open && !reader_.is_paused() &&
           !reading_stopped_);
}

void connection::read_once() {
  const auto buffer = loop_.receive_buffer();
  ++traffic_.reads;
  const auto [what, count] = transport_.read(buffer);
  if (what == transport::outcome::done) {
    traffic_.received_bytes += count;
    received_ += count;
    work_off(buffer.first(count));
  } else if (what != transport::outcome::blocked) {
    close(close_reason::peer);
  }
}

[[gnu::always_inline]] inline connection::next connection::take(const packet_view& p) {
  partial_since_ = steady_time::max();  // what is unfinished after this one has only begun
  next wanted = on_packet(p);
  if (state_ != state::open || reading_stopped_) [[unlikely]]
    return next::stop;
  // More answers than half an outbox from one read: let the kernel have them before the next
  // packet.
  const bool is_much = wanted == next::packet && outbox_.bytes() > settings_.outbox_limit / 2;
  return is_much ? offer(wanted) : wanted;
}

// Packets in, answers out; goes on with what a pause kept back as long as the kernel takes the
// answers.
void connection::work_off(std::span<const std::byte> input) {
  // While others wait, there is work enough for both sides, and each write costs.
  halfway first_half(loop_.sockets().is_only_one() ? input.size() / 2 : 0);
  const auto on_each = [&](const packet_view& p) {
    const next wanted = take(p);
    const bool due = wanted == next::packet && first_half.ends(reader_.behind(), outbox_.bytes());
    return due ? offer(wanted) : wanted;
  };
  in_input_ = true;
  auto s = reader_.feed(input, on_each);
  while (state_ == state::open) {
    if (!dirty_) flush();
    if (s != protocol::packet_reader::state::paused || !may_go_on()) break;
    if (state_ == state::open) s = reader_.resume(on_each);
  }
  in_input_ = false;
  account();
  if (state_ != state::open) return;
  if (s == protocol::packet_reader::state::failed) {
    flush();  // what was good before it has its answers
    return close(close_reason::protocol_error);
  }
  note_partial();
}

// Between two packets of one read: offers the kernel the answers so far.
connection::next connection::offer(next wanted) {
  flush();
  // The kernel's refusal may have been the end: nothing is handed to who has been told of it.
  if (state_ != state::open || reading_stopped_) return next::stop;
  return may_go_on() ? wanted : next::pause;
}

void connection::note_partial() {
  if (reader_.kept() == 0 || reader_.is_paused()) {
    partial_since_ = steady_time::max();
  } else if (partial_since_ == steady_time::max() && settings_.partial_timeout.count() > 0) {
    partial_since_ = clock_now();
    arm_timer(after(partial_since_, settings_.partial_timeout));
  }
}

// --- writing ---

void connection::send_alone(const slice& s) {
  if (state_ != state::open) return;
  flush();
  if (state_ != state::open) return;
  if (!outbox_.empty()) return send(s);
  slice rest = s;
  iovec part{s.block->data() + s.begin, s.size()};
  ++traffic_.writes;
  const auto [what, count] = transport_.write({&part, 1});
  traffic_.sent_bytes += count;
  sent_ += count;
  rest.begin += static_cast<std::uint32_t>(count);
  if (rest.size() != 0) send(rest);
}

std::size_t connection::write_now(std::span<iovec> parts) {
  ++traffic_.writes;
  const auto taken = transport_.write(parts).bytes;  // who sends the rest finds out why
  traffic_.sent_bytes += taken;
  sent_ += taken;
  return taken;
}

void connection::hold(bool held) {
  held_ = held;
  if (!held && !outbox_.empty() && !in_input_) mark_dirty();
}

void connection::mark_dirty() {
  if (dirty_ || held_ || waiting_writable_) return;
  dirty_ = true;
  loop_.request_flush(*this, flush_priority_);
}

void connection::flush_requested() {
  dirty_ = false;
  flush();
  go_on();
}

void connection::block_input(bool blocked) {
  input_blocked_ = blocked;
  if (!blocked) go_on();
}

// Continues with what a pause kept back.
void connection::go_on() {
  if (!reader_.is_paused() || !may_go_on() || state_ != state::open) return;
  work_off({});
  update_interest();
}

void connection::flush() {
  if (held_ || waiting_writable_ || !transport_.is_secured()) return;
  while (!outbox_.empty() && state_ != state::closed) {
    const write_result result = write_some();
    if (result == write_result::all) continue;
    if (result == write_result::part) return;
    if (state_ == state::lingering) return finish(true);
    return close(close_reason::peer);
  }
  if (state_ == state::lingering) linger();
}

bool connection::write_to_make_room(std::size_t bytes) {
  if (held_ || waiting_writable_ || state_ != state::open || !transport_.is_secured()) return false;
  write_result result = write_result::all;
  while (!outbox_.empty() && result == write_result::all)
    result = write_some();
  if (result == write_result::failed) mark_dirty();  // the next flush finds out, and may close
  return has_room(bytes);
}

connection::write_result connection::write_some() {
  std::array<iovec, outbox::max_parts> parts;
  const auto wanted_parts = std::span(parts).first(outbox_.gather(parts));
  std::size_t wanted = 0;
  for (const iovec& part : wanted_parts)
    wanted += part.iov_len;
  ++traffic_.writes;
  const auto [what, taken] = transport_.write(wanted_parts);
  if (what == transport::outcome::failed) return write_result::failed;
  if (taken != 0) blocked_since_ = steady_time::max();
  traffic_.sent_bytes += taken;
  sent_ += taken;
  outbox_.consume(taken);
  account();
  // Nothing taken, and yet not full: interrupted, so once more.
  if (taken == wanted || (what == transport::outcome::done && taken == 0)) return write_result::all;
  blocked();
  return write_result::part;
}

void connection::blocked() {
  outbox_.detach();
  if (blocked_since_ == steady_time::max()) blocked_since_ = clock_now();
  arm_timer(after(blocked_since_, settings_.send_timeout));
  waiting_writable_ = true;
  update_interest();
}

void connection::account() noexcept {
  const std::uint64_t change = outbox_.bytes() - accounted_;
  traffic_.outbox_bytes += change;
  accounted_ += change;
}

// --- time ---

void connection::set_deadline(steady_time when) {
  deadline_ = when;
  arm_timer(when);
}

void connection::set_send_timeout(std::chrono::milliseconds timeout) {
  settings_.send_timeout = or_never(timeout);
  if (blocked_since_ != steady_time::max()) {
    arm_timer(after(blocked_since_, settings_.send_timeout));
  }
}

void connection::arm_timer(steady_time when) {
  if (when == steady_time::max()) return;
  if (!is_waiting() || due() > when) loop_.schedule(*this, when);
}

// One entry of the wheel serves all of a connection's timeouts: those that were armed and are no
// longer wanted are noticed when it fires.
void connection::on_timer(steady_time now) {
  const boost::intrusive_ptr<connection> self(this);
  if (now >= deadline_) {
    deadline_ = steady_time::max();
    if (state_ == state::lingering) return finish(true);
    on_deadline();
  }
  if (state_ == state::closed) return;
  if (is_stuck(now)) {
    if (state_ == state::lingering) return finish(true);
    return close(close_reason::slow, true);
  }
  if (state_ == state::closed) return;
  if (partial_since_ != steady_time::max() && state_ == state::open &&
      now >= after(partial_since_, settings_.partial_timeout)) {
    return close(close_reason::partial);
  }
  arm_next_timer();
}

// Whether the kernel has taken nothing for the whole send timeout. It calls a socket writable only
// when a third of its buffer is free, which a slow reader may take long to make: so it is asked.
bool connection::is_stuck(steady_time now) {
  const auto overdue = [&] {
    return blocked_since_ != steady_time::max() && !drop_when_slow_ &&
           now >= after(blocked_since_, settings_.send_timeout);
  };
  if (overdue() && write_some() == write_result::all) {
    // Nothing waits for the kernel's word any more, and what is queued from now on must not.
    waiting_writable_ = false;
    flush_requested();
    update_interest();
  }
  return overdue();
}

void connection::arm_next_timer() {
  steady_time when = deadline_;
  if (blocked_since_ != steady_time::max() && !drop_when_slow_) {
    when = std::min(when, after(blocked_since_, settings_.send_timeout));
  }
  if (partial_since_ != steady_time::max()) {
    when = std::min(when, after(partial_since_, settings_.partial_timeout));
  }
  if (when != steady_time::max()) arm_timer(when);
}

// --- the end ---

void connection::close(close_reason why, bool reset) {
  if (state_ != state::open) return;
  const boost::intrusive_ptr<connection> self(this);
  finish(reset);
  on_closed(why);
}

void connection::close_gracefully(close_reason why, std::chrono::milliseconds patience) {
  if (state_ != state::open) return;
  const boost::intrusive_ptr<connection> self(this);
  state_ = state::lingering;
  held_ = false;
  reading_stopped_ = false;
  deadline_ = after(clock_now(), patience);
  arm_timer(deadline_);
  if (transport_.is_secured()) {
    flush();
  } else {
    linger();
  }
  update_interest();
  on_closed(why);
}

// Everything is written: nothing more follows, and what still comes in is thrown away until the
// other side has closed. Closing with unread input would reset the connection and destroy the last
// answer.
void connection::linger() {
  transport_.shutdown_write();
}

void connection::discard_input() {
  const auto buffer = loop_.receive_buffer();
  const auto what = transport_.discard(buffer).what;
  if (what == transport::outcome::closed || what == transport::outcome::failed) finish(false);
}

void connection::abandon() {
  if (state_ != state::lingering) return;
  state_ = state::open;
  finish(!outbox_.empty());  // what the kernel has taken is not taken back
}

void connection::finish(bool reset) {
  const bool lingered = state_ == state::lingering;
  state_ = state::closed;
  timer_wheel::cancel(*this);
  loop_.sockets().remove(native_handle(), *this);
  transport_.close(reset);
  outbox_.clear();
  account();
  if (lingered) on_lingered();
}

}  // namespace vsoa::net
