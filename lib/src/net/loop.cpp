#include "net/loop.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <limits>
#include <string>
#include <system_error>

#include "net/connection.hpp"

namespace vsoa::net {
namespace {

constexpr std::size_t page_bytes = 4096;

// Where new[] puts a block of this size is 16 bytes into a page. On some processors the kernel
// copies to there at half the rate: what has just been written begins a page, too, and by that
// little behind it.
std::byte* on_a_page(std::byte* block) noexcept {
  void* start = block;
  std::size_t room = loop::receive_bytes + page_bytes;
  return static_cast<std::byte*>(std::align(page_bytes, loop::receive_bytes, start, room));
}

}  // namespace

loop::waker::waker() : event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!event_) throw std::system_error(errno, std::generic_category(), "eventfd");
}

void loop::waker::wake() const noexcept {
  constexpr std::uint64_t one = 1;
  // Fails only when 2^64-1 wake-ups have gone before.
  (void)!::write(event_.get(), &one, sizeof(one));
}

loop::loop(std::size_t index, const log_sink& log, std::chrono::microseconds busy_poll,
           const void* owner)
    : index_(index),
      owner_(owner),
      log_sink_(log),
      busy_poll_(busy_poll),
      receive_block_(new std::byte[receive_bytes + page_bytes]),
      receive_buffer_(on_a_page(receive_block_.get()), receive_bytes) {
  // Edge-triggered: each write is told once, and nobody has to read it off.
  poller_.add(waker_.handle(), waker_, EPOLLIN | EPOLLET);
}

loop::~loop() = default;

void loop::run() {
  current_ = this;
  while (!stopping_.load(std::memory_order_acquire)) {
    const auto one = [this] { turn(); };
    run_contained(one);
  }
  current_ = nullptr;
}

void loop::request_stop() {
  stopping_.store(true, std::memory_order_release);
  waker_.wake();
}

// --- a turn ---

void loop::turn() {
  run_timers();
  poll();
  if (has_mail()) run_mail();
  if (turn_end_wanted_) end_turn();
}

void loop::poll() {
  int timeout = wait_time();
  if (timeout != 0) {
    // Either whoever posts sees that this loop sleeps, or it sees the mail.
    sleeping_.store(true, std::memory_order_seq_cst);
    if (mail_signalled_.load(std::memory_order_seq_cst) || stopping_) timeout = 0;
  }
  const auto tell = [this, timeout] {
    const bool any = poller_.poll(timeout);
    if (any && busy_poll_.count() != 0) busy_since_ = clock_now();
  };
  run_contained(tell);
  sleeping_.store(false, std::memory_order_relaxed);
}

// In milliseconds; -1: until somebody is ready.
int loop::wait_time() {
  if (turn_end_wanted_ || has_mail()) return 0;
  const steady_time due = next_due();
  if (due == steady_time::max() && busy_poll_.count() == 0) return -1;
  const steady_time now = clock_now();
  if (busy_poll_.count() != 0 && now - busy_since_ < busy_poll_) return 0;
  if (due == steady_time::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

void loop::post(task work) {
  {
    const std::lock_guard lock(mail_mutex_);
    mail_.push_back(std::move(work));
    if (mail_signalled_) return;
    mail_signalled_.store(true, std::memory_order_seq_cst);
  }
  if (sleeping_.load(std::memory_order_seq_cst)) waker_.wake();
}

void loop::run_mail() {
  {
    const std::lock_guard lock(mail_mutex_);
    reading_mail_.swap(mail_);
    mail_signalled_ = false;
  }
  for (task& work : reading_mail_)
    run_contained(work);
  reading_mail_.clear();
}

// What a task lets out must not cost the tasks behind it their turn.
template <class Work>
void loop::run_contained(Work& work) const {
  try {
    work();
  } catch (const std::exception& e) {
    log_line(log_level::error, std::string("event loop: ") + e.what());
  } catch (...) {
    log_line(log_level::error, "event loop: unknown exception");
  }
}

std::span<std::byte> loop::receive_buffer() noexcept {
  return receive_buffer_;
}

// --- the turn's end ---

void loop::request_flush(connection& c, std::uint8_t priority) {
  dirty_[priority].emplace_back(&c);
  turn_end_wanted_ = true;
}

void loop::request_turn_closing(turn_end& t) {
  turn_closings_.push_back(&t);
  turn_end_wanted_ = true;
}

void loop::request_turn_end(turn_end& t) {
  turn_ends_.push_back(&t);
  turn_end_wanted_ = true;
}

void loop::end_turn() {
  turn_end_wanted_ = false;
  // Who takes part may ask for another turn's end.
  run_all(turn_closings_, &turn_end::on_turn_closing);
  output_.reset();
  for (std::size_t priority = dirty_.size(); priority-- > 0;) {
    if (dirty_[priority].empty()) continue;
    flushing_.swap(dirty_[priority]);
    for (const auto& c : flushing_)
      c->flush_requested();
    flushing_.clear();
  }
  run_all(turn_ends_, &turn_end::on_turn_end);
}

void loop::run_all(std::vector<turn_end*>& list, void (turn_end::*step)()) {
  std::vector<turn_end*> now;
  now.swap(list);
  for (turn_end* t : now) {
    const auto one = [t, step] { (t->*step)(); };
    run_contained(one);
  }
  now.clear();
  if (list.empty()) list.swap(now);  // keeps the capacity
}

// --- time ---

struct loop::public_timer {
  runtime::timer_id id;
  std::chrono::milliseconds interval;
  std::function<void()> body;
};

void loop::schedule(timer_wheel::entry& e, steady_time due) {
  wheel_.schedule(e, due);
  if (due < wheel_due_) wheel_due_ = wheel_.next().value_or(steady_time::max());
}

steady_time loop::next_due() const {
  return timetable_.empty() ? wheel_due_ : std::min(wheel_due_, timetable_.begin()->first);
}

void loop::run_timers() {
  const steady_time due = next_due();
  if (due == steady_time::max()) return;
  const steady_time now = clock_now();
  if (due > now) return;
  if (wheel_due_ <= now) {
    const auto advance = [this, now] { wheel_.advance(now); };
    run_contained(advance);  // else one failure would stop all timers
    wheel_due_ = wheel_.next().value_or(steady_time::max());
  }
  run_public_timers(now);
}

void loop::run_public_timers(steady_time now) {
  while (!timetable_.empty() && timetable_.begin()->first <= now) {
    const auto first = timetable_.begin();
    const auto timer = first->second;  // its body may stop it
    if (timer->interval.count() > 0) {
      // From when it was due, not from when it ran; but those that were missed are not made up for.
      const auto next = std::max(after(first->first, timer->interval), now);
      timers_[timer->id] = timetable_.emplace(after(next, std::chrono::nanoseconds(1)), timer);
    } else {
      timers_.erase(timer->id);
    }
    timetable_.erase(first);
    run_contained(timer->body);
  }
}

runtime::timer_id loop::start_timer(runtime::timer_id id, std::chrono::milliseconds delay,
                                    std::chrono::milliseconds interval,
                                    std::function<void()> body) {
  if (stopped_early_.contains(id)) return id;
  auto timer = std::make_shared<public_timer>(public_timer{id, interval, std::move(body)});
  timers_[id] = timetable_.emplace(after(clock_now(), delay), std::move(timer));
  return id;
}

void loop::stop_timer(runtime::timer_id id) {
  const auto found = timers_.find(id);
  if (found != timers_.end()) {
    timetable_.erase(found->second);
    timers_.erase(found);
    return;
  }
  // Its start may still lie in the mail, in front of what is posted now.
  if (!has_mail() && reading_mail_.empty()) return;
  stopped_early_.insert(id);
  post([this, id] { stopped_early_.erase(id); });
}

}  // namespace vsoa::net
