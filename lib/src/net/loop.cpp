#include "net/loop.hpp"

#include <boost/asio/post.hpp>
#include <exception>
#include <string>

#include "net/connection.hpp"

namespace vsoa::net {
namespace {

thread_local loop* current_loop = nullptr;

}  // namespace

// UNSAFE_IO: posting stays safe from any thread, but descriptors belong to the loop's thread alone,
// so the reactor needs no locks.
loop::loop(std::size_t index, const log_sink& log)
    : index_(index),
      log_sink_(log),
      context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      receive_buffer_(new std::byte[receive_bytes]),
      wheel_timer_(context_) {}

loop::~loop() = default;

void loop::run() {
  current_loop = this;
  const auto work = boost::asio::make_work_guard(context_);
  for (;;) {
    try {
      context_.run();
      break;
    } catch (const std::exception& e) {
      // Nothing on a packet's way throws; this is the last net under memory exhaustion.
      log_line(log_level::error, std::string("event loop: ") + e.what());
    }
  }
  current_loop = nullptr;
}

void loop::request_stop() {
  context_.stop();
}

loop* loop::current() noexcept {
  return current_loop;
}

void loop::post(task work) {
  {
    const std::lock_guard lock(mail_mutex_);
    mail_.push_back(std::move(work));
    if (mail_signalled_) return;
    mail_signalled_ = true;
  }
  boost::asio::post(context_, [this] { run_mail(); });
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
  return {receive_buffer_.get(), receive_bytes};
}

void loop::schedule(timer_wheel::entry& e, steady_time due) {
  wheel_.schedule(e, due);
  if (due < wheel_due_) arm_wheel();
}

void loop::arm_wheel() {
  const auto next = wheel_.next();
  wheel_due_ = next.value_or(steady_time::max());
  if (!next) return;
  wheel_timer_.expires_at(*next);
  wheel_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;  // armed anew
    const auto advance = [this] { wheel_.advance(std::chrono::steady_clock::now()); };
    run_contained(advance);  // else one failure would stop all timers
    arm_wheel();
  });
}

void loop::request_flush(connection& c, std::uint8_t priority) {
  dirty_[priority].emplace_back(&c);
  want_turn_end();
}

void loop::request_turn_end(turn_end& t) {
  turn_ends_.push_back(&t);
  want_turn_end();
}

void loop::want_turn_end() {
  if (turn_end_wanted_) return;
  turn_end_wanted_ = true;
  // Behind everything that is ready now: Asio polls once more, without waiting, before it runs
  // this.
  boost::asio::post(context_, [this] { end_turn(); });
}

void loop::end_turn() {
  turn_end_wanted_ = false;
  output_.reset();
  for (std::size_t priority = dirty_.size(); priority-- > 0;) {
    if (dirty_[priority].empty()) continue;
    flushing_.swap(dirty_[priority]);
    for (const auto& c : flushing_)
      c->flush_requested();
    flushing_.clear();
  }
  // A turn end may ask for another.
  std::vector<turn_end*> ends;
  ends.swap(turn_ends_);
  for (turn_end* t : ends)
    t->on_turn_end();
  ends.clear();
  if (turn_ends_.empty()) turn_ends_.swap(ends);  // keeps the capacity
}

struct loop::public_timer {
  public_timer(boost::asio::io_context& context, std::chrono::milliseconds i,
               std::function<void()> b)
      : timer(context), interval(i), body(std::move(b)) {}
  boost::asio::steady_timer timer;
  std::chrono::milliseconds interval;
  std::function<void()> body;
};

runtime::timer_id loop::start_timer(runtime::timer_id id, std::chrono::milliseconds delay,
                                    std::chrono::milliseconds interval,
                                    std::function<void()> body) {
  auto timer = std::make_shared<public_timer>(context_, interval, std::move(body));
  timer->timer.expires_after(std::chrono::milliseconds(0));
  timers_.emplace(id, std::move(timer));
  arm(id, delay);
  return id;
}

void loop::arm(runtime::timer_id id, std::chrono::milliseconds delay) {
  const auto timer = timers_.at(id);
  const auto base = std::max(timer->timer.expiry(), std::chrono::steady_clock::now() - delay);
  timer->timer.expires_at(base + delay);
  timer->timer.async_wait([this, id, timer](const boost::system::error_code& error) {
    if (error || !timers_.contains(id)) return;
    const bool again = timer->interval.count() > 0;
    if (!again) timers_.erase(id);
    run_contained(timer->body);
    if (again && timers_.contains(id)) arm(id, timer->interval);
  });
}

void loop::stop_timer(runtime::timer_id id) {
  const auto found = timers_.find(id);
  if (found == timers_.end()) return;
  const auto timer = found->second;  // its body may be what is running
  timers_.erase(found);
  timer->timer.cancel();
}

}  // namespace vsoa::net
