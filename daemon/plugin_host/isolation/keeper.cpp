#include "plugin_host/isolation/keeper.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace vsoad::isolation {
namespace {

using namespace std::chrono_literals;

constexpr auto load_timeout = 10s;   // from the process's start to what it says of itself
constexpr auto start_timeout = 12s;  // of the plugin's start(), to which the process gives 10
constexpr auto kill_timeout = 5s;    // from SIGKILL to the end of the process
constexpr auto tick = 100ms;

std::string as_mebibytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 20U) + " MiB";
}

}  // namespace

std::chrono::milliseconds back_off::next() {
  return std::exchange(delay_, std::min(delay_ * 2, most));
}

void back_off::ran(std::chrono::steady_clock::duration time) {
  if (time >= long_enough) delay_ = first;
}

keeper::keeper(std::shared_ptr<supervisor> thread, environment& env, private_copy code,
               keeper_settings settings)
    : thread_(std::move(thread)),
      loops_(env.loops),
      env_(env),
      log_(env.log),
      code_(std::move(code)),
      settings_(std::move(settings)),
      services_(env),
      buffer_(max_message_bytes) {
  for (std::size_t i = 0; i < env.loops.size(); ++i)
    lanes_.push_back(std::make_unique<lane>(env.loops, i, services_, lane_counts_));
  state_.is_isolated = true;
  state_.phase = "starting";
}

keeper::~keeper() = default;

void keeper::tell(vsoa::log_level level, const std::string& what) const {
  if (log_) log_(level, "plugin " + settings_.setup.name + ": " + what);
}

void keeper::enter(phase next) {
  const char* names[] = {"starting", "starting", "starting", "starting",
                         "running",  "waiting",  "stopped",  "stopped"};
  // It is still the plugin that serves while its process is started again.
  const bool is_over = next == phase::stopping || next == phase::ended;
  {
    const std::lock_guard lock(mutex_);
    phase_ = next;
    state_.phase = names[static_cast<std::size_t>(next)];
    if (next == phase::loaded) has_loaded_ = true;
    if (next == phase::running) has_run_ = true;
    is_running_.store(has_run_ && !is_over, std::memory_order_release);
  }
  changed_.notify_all();
}

keeper::phase keeper::phase_now() const {
  const std::lock_guard lock(mutex_);
  return phase_;
}

// --- by the owner ---

template <class Predicate>
bool keeper::wait_until(std::chrono::milliseconds limit, Predicate done) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, done);
}

// Not for a phase, which may be over before this thread has seen it. The limits are the
// supervisor's; the one here is for a process that the kernel can't end.
std::string keeper::outcome(std::chrono::milliseconds limit, bool keeper::*reached) {
  const auto is_known = [&] { return this->*reached || phase_ == phase::ended; };
  if (!wait_until(limit + kill_timeout, is_known)) return "its process can't be ended";
  const std::lock_guard lock(mutex_);
  if (phase_ != phase::ended) return {};
  return reason_.empty() ? "it has ended" : reason_;
}

std::string keeper::load() {
  thread_->post([self = shared_from_this()] {
    self->self_ = self;
    self->begin();
  });
  return outcome(load_timeout, &keeper::has_loaded_);
}

// The process learns of it when it starts, or now.
void keeper::set_services(std::vector<vsoa_service> ids) {
  services_.set(std::move(ids));
  if (!is_running()) return;
  named_services list;
  {
    const reclaimer::reader reading(env_.old);
    list = services_.list();
  }
  thread_->post([self = shared_from_this(), text = write_services(to_plugin::services, list)] {
    if (!self->process_ || self->is_killed_) return;
    if (!self->tell_process(text, "it does not read what it is sent")) return;
    self->on_lanes([n = self->number_](lane& l) { l.tell_clients(n); });
  });
}

bool keeper::is_quiet() const {
  for (const auto& each : lanes_) {
    if (each->calls_under_way() != 0) return false;
  }
  const std::lock_guard lock(mutex_);
  return !is_busy_ && stream_count_ == 0;
}

std::string keeper::start() {
  thread_->post([self = shared_from_this()] { self->send_start(); });
  return outcome(start_timeout, &keeper::has_run_);
}

void keeper::replaced() noexcept {
  thread_->post([self = shared_from_this()] { self->do_replaced(); });
}

bool keeper::stop(patience& limit) noexcept {
  if (phase_now() == phase::ended) return true;
  thread_->post([self = shared_from_this(), ms = limit.limit()] { self->do_stop(ms); });
  const auto has_ended = [this](std::chrono::milliseconds slice) {
    return wait_until(slice, [this] { return phase_ == phase::ended; });
  };
  bool is_ended = true;
  // Once for its callbacks and jobs, once for its stop().
  if (!limit.until(has_ended) && !limit.until(has_ended)) {
    thread_->post([self = shared_from_this()] { self->give_up_on("it has not stopped in time"); });
    is_ended = has_ended(kill_timeout);
  }
  // What was under way is answered then, and nobody is waited for any more.
  (void)loops_.quiesce(std::chrono::milliseconds(200));
  if (!is_ended) tell(vsoa::log_level::error, "its process can't be ended: it is left to itself");
  return is_ended;
}

plugin_state keeper::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

plugin_counts keeper::counts() const {
  const std::lock_guard lock(mutex_);
  plugin_counts sum = counts_;
  sum.calls_refused += lane_counts_.calls_refused;
  sum.calls_timed_out += lane_counts_.calls_timed_out;
  sum.datagrams_lost += lane_counts_.datagrams_lost;
  sum.events_refused += lane_counts_.events_refused;
  return sum;
}

std::size_t keeper::calls_deferred() const {
  const std::lock_guard lock(mutex_);
  return deferred_;
}

// --- the beginning of a process ---

void keeper::begin() {
  if (wants_end_) return is_over();
  enter(phase::loading);
  std::string reason;
  auto p = process::start(settings_.program, code_.descriptor(), lanes_.size(), reason);
  if (!p) {
    why_ = reason;
    return plan_restart();
  }
  spawned(std::move(*p));
}

void keeper::spawned(process p) {
  ++number_;
  connected_ = 0;
  has_hello_ = is_killed_ = ended_before_ = false;
  commands_.clear();
  command_bytes_ = 0;
  said_ = {};
  why_.clear();
  process_ = std::move(p);
  {
    const std::lock_guard lock(mutex_);
    state_.pid = process_->pid;
    state_.since = std::chrono::system_clock::now();
  }
  end_watch_ = thread_->when_readable(process_->pidfd.get(), [this] { process_has_ended(); });
  control_watch_ =
      thread_->when_readable(process_->control.get(), [this] { control_is_readable(); });
  host_watch_ = thread_->when_readable(process_->host.get(), [this] { host_is_readable(); });
  tick_ = thread_->every(tick, [this] { look_after(); });
  deadline(load_timeout, "it has not said in time what it is");
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    loops_.post(i, [self = shared_from_this(), i, n = number_, e = events(),
                    fd = std::make_shared<unique_fd>(std::move(process_->channels[i]))] {
      self->lanes_[i]->connect(std::move(*fd), n, e);
    });
  }
  tell_process(settings_.setup.write(), "it can't be told what it is to do");
}

lane_events keeper::events() {
  lane_events e;
  e.connected = [weak = weak_from_this()](std::uint64_t process) {
    const auto self = weak.lock();
    if (!self) return;
    self->thread_->post([self, process] {
      if (process != self->number_) return;
      ++self->connected_;
      self->loaded_if_ready();
    });
  };
  e.broken = [weak = weak_from_this()](std::uint64_t process, std::string why) {
    const auto self = weak.lock();
    if (!self) return;
    self->thread_->post([self, process, why = std::move(why)] {
      if (process == self->number_) self->give_up_on(why);
    });
  };
  e.ended = [weak = weak_from_this()](std::uint64_t process) {
    const auto self = weak.lock();
    if (!self) return;
    self->thread_->post([self, process] {
      if (process == self->number_) self->expect_end();
    });
  };
  return e;
}

void keeper::deadline(std::chrono::milliseconds after, const char* what) {
  deadline_ = thread_->after(after, [this, what] { give_up_on(what); });
}

void keeper::loaded_if_ready() {
  if (!has_hello_ || connected_ < lanes_.size()) return;
  deadline_.reset();
  if (phase_now() != phase::loading) return;
  const bool is_first = !descriptor_;
  if (is_first) descriptor_ = said_;
  enter(phase::loaded);
  if (is_first) return;
  {
    const std::lock_guard lock(mutex_);
    ++state_.restarts;
  }
  send_start();
}

void keeper::send_start() {
  if (!process_ || is_killed_ || phase_now() != phase::loaded) return;  // its end is on the way
  enter(phase::starting);
  const unique_fd config = share_text(settings_.config_json);
  named_services list;
  {
    const reclaimer::reader reading(env_.old);
    list = services_.list();
  }
  const std::string text = write_services(to_plugin::start, list);
  constexpr const char* failure = "it can't be told to start";
  if (!config) return give_up_on(failure);
  if (!tell_process(text, failure, config.get())) return;
  deadline(start_timeout, "its start() has not returned in time");
}

/// @return false: it was not asked
bool keeper::started(std::string_view reason) {
  const phase now = phase_now();
  if (now != phase::starting) return now == phase::stopping;
  deadline_.reset();
  if (!reason.empty()) {
    why_ = as_line(reason);
    is_killed_ = true;
    process_->kill();
    return true;
  }
  running_since_ = std::chrono::steady_clock::now();
  next_ping_ = running_since_;
  on_lanes([n = number_](lane& l) { l.open(n); });
  enter(phase::running);
  if (number_ > 1)
    tell(vsoa::log_level::info, "started again in process " + std::to_string(process_->pid));
  return true;
}

void keeper::on_lanes(const std::function<void(lane&)>& what) {
  for (std::size_t i = 0; i < lanes_.size(); ++i)
    loops_.post(i, [self = shared_from_this(), i, what] { what(*self->lanes_[i]); });
}

// --- the end of a process ---

void keeper::look_after() {
  tell_suppressed(std::chrono::steady_clock::now());
  if (!process_ || is_killed_) return;
  const std::uint64_t memory = process_->memory();
  {
    const std::lock_guard lock(mutex_);
    state_.memory_bytes = memory;
  }
  if (settings_.setup.memory != 0 && memory > settings_.setup.memory) {
    return give_up_on("it takes " + as_mebibytes(memory) + " of memory, and may take " +
                      as_mebibytes(settings_.setup.memory));
  }
  const auto now = std::chrono::steady_clock::now();
  if (running_since_ == std::chrono::steady_clock::time_point{} || now < next_ping_) return;
  next_ping_ = now + std::clamp<std::chrono::milliseconds>(settings_.ping_timeout / 4, tick, 1s);
  on_lanes([n = number_, t = settings_.ping_timeout](lane& l) { l.ping(n, t); });
}

void keeper::give_up_on(std::string why) {
  if (!process_ || is_killed_) return;
  is_killed_ = true;
  why_ = std::move(why);
  process_->kill();
}

bool keeper::tell_process(std::string_view bytes, const char* failure, int fd) {
  if (send_message(process_->control.get(), bytes, fd)) return true;
  // One that has just ended can't be told either, and how it has ended says more.
  errno == EPIPE || errno == ECONNRESET ? expect_end() : give_up_on(failure);
  return false;
}

// Its sockets end with a process, and how that has ended is told in a moment.
void keeper::expect_end() {
  constexpr auto moment = 500ms;
  if (!process_ || is_killed_ || end_limit_) return;
  end_limit_ =
      thread_->after(moment, [this] { give_up_on("it has closed the sockets to the daemon"); });
}

void keeper::process_has_ended() {
  const auto self = shared_from_this();
  // What it has said last is heard: why it refuses, a line of the log.
  if (control_watch_ && !is_killed_) control_is_readable();
  end_watch_.reset();  // we are in it
  const std::string how = process_->reap();
  if (why_.empty()) why_ = how;
  control_watch_.reset();
  host_watch_.reset();
  tick_.reset();
  deadline_.reset();
  end_limit_.reset();
  process_.reset();
  for (const auto& [number, entry] : streams_)
    entry.cancel();
  streams_.clear();
  on_lanes([n = number_](lane& l) { l.disconnect(n); });
  ++number_;  // whatever of it is still on its way is late
  if (running_since_ != std::chrono::steady_clock::time_point{}) {
    back_off_.ran(std::chrono::steady_clock::now() - running_since_);
    running_since_ = {};
  }
  plan_restart();
}

void keeper::plan_restart() {
  bool is_last = false, is_told = false;
  {
    const std::lock_guard lock(mutex_);
    state_.pid = 0;
    state_.memory_bytes = 0;
    deferred_ = stream_count_ = 0;
    is_busy_ = false;
    is_last = wants_end_ || !has_run_;  // the first time it is the owner who is told
    const bool is_asked_to = phase_ == phase::stopping && !ended_before_;
    is_told = has_run_ && (is_killed_ || !is_asked_to);
    if (!is_asked_to) state_.last_exit = why_;
    if (is_last) reason_ = why_;
  }
  if (is_last) {
    const char* const how = is_killed_ ? "its process was killed: " : "its process is gone: ";
    if (is_told) tell(vsoa::log_level::error, how + why_);
    return is_over();
  }
  const auto delay = back_off_.next();
  tell(vsoa::log_level::error, "its process is gone: " + why_ + "; started again in " +
                                   std::to_string(delay.count()) + " ms");
  enter(phase::waiting);
  restart_ = thread_->after(delay, [this] { begin(); });
}

void keeper::is_over() {
  enter(phase::ended);
  // Not here, which may be deep in what this object does.
  thread_->post([self = std::move(self_)] {});
}

void keeper::do_replaced() {
  if (std::exchange(wants_end_, true)) return;
  restart_.reset();
  if (!process_) return is_over();
  // On its way back: what for?
  if (phase_now() != phase::running) give_up_on("another has taken its place");
}

void keeper::do_stop(std::chrono::milliseconds limit) {
  const phase before = phase_now();
  if (before == phase::stopping || before == phase::ended) return;
  wants_end_ = true;
  restart_.reset();
  deadline_.reset();
  on_lanes([](lane& l) { l.close(); });
  if (!process_) return is_over();
  const bool has_begun = before == phase::running || before == phase::starting;
  if (!has_begun) is_killed_ = true;
  enter(phase::stopping);
  if (is_killed_) return process_->kill();
  field_writer w(to_plugin::stop);
  w.number(static_cast<std::uint64_t>(limit.count()));
  ended_before_ = !tell_process(w.bytes(), "it can't be told to stop");
}

}  // namespace vsoad::isolation
