#include "plugin_host/stall_monitor.hpp"

#include <pthread.h>
#include <optional>

#include <algorithm>
#include <utility>

namespace vsoad {

/// What the monitor remembers of a slot between two looks.
struct stall_monitor::observation {
  std::shared_ptr<slot> where;
  std::uint64_t turn = 0;
  std::chrono::steady_clock::time_point since;
  std::string warned;  // the name, while a stall goes on that has been reported
};

namespace {

constexpr auto doze_period = std::chrono::seconds(1);

std::atomic<std::uint64_t> next_monitor_id{1};

std::string milliseconds_text(std::chrono::steady_clock::duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(d).count()) + " ms";
}

}  // namespace

stall_monitor::stall_monitor(std::chrono::milliseconds threshold, vsoa::log_sink log,
                             const reclaimer* old, std::chrono::milliseconds doze_after)
    : threshold_(threshold),
      log_(std::move(log)),
      old_(old),
      doze_after_(doze_after),
      id_(next_monitor_id.fetch_add(1)) {
  if (threshold_.count() > 0) thread_ = std::thread([this] { run(); });
}

stall_monitor::~stall_monitor() {
  stop();
}

void stall_monitor::stop() {
  {
    const std::lock_guard lock(mutex_);
    end_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

stall_monitor::slot* stall_monitor::make_own_slot() noexcept {
  thread_local std::shared_ptr<slot> owner;
  owner = nullptr;
  if (threshold_.count() > 0) {
    try {
      auto fresh = std::make_shared<slot>();
      const std::lock_guard lock(mutex_);
      slots_.push_back(fresh);
      owner = std::move(fresh);
    } catch (...) {  // no memory: this thread is not watched
    }
  }
  current_ = {id_, owner.get()};
  return current_.own;
}

void stall_monitor::wake() noexcept {
  {
    const std::lock_guard lock(mutex_);
    dozing_.store(false, std::memory_order_relaxed);
  }
  changed_.notify_all();
}

// Whether something has run since the last look, or runs.
bool stall_monitor::look(observation& seen, std::chrono::steady_clock::time_point now) const {
  // What is noted there may be a plugin's that has just ended.
  std::optional<reclaimer::reader> reading;
  if (old_ != nullptr) reading.emplace(*old_);
  const std::uint64_t turn = seen.where->turn.load(std::memory_order_acquire);
  if (turn != seen.turn) {
    if (!seen.warned.empty() && log_) {
      log_(vsoa::log_level::warning,
           seen.warned + " returned after about " + milliseconds_text(now - seen.since));
    }
    seen.warned.clear();
    seen.turn = turn;
    seen.since = now;
    return true;
  }
  if ((turn & 1U) == 0) return false;
  if (!seen.warned.empty() || now - seen.since < threshold_) return true;
  // If the turn is still the same after the subject has been read, the two belong together.
  stall_subject* subject = seen.where->subject.load(std::memory_order_acquire);
  if (seen.where->turn.load(std::memory_order_acquire) != turn) return true;
  subject->stalls.fetch_add(1, std::memory_order_relaxed);
  seen.warned = subject->name;
  if (log_) {
    log_(vsoa::log_level::warning, seen.warned + " has kept its event loop for more than " +
                                       milliseconds_text(threshold_) + " and still does");
  }
  return true;
}

bool stall_monitor::look_at_all(std::vector<observation>& seen,
                                std::chrono::steady_clock::time_point now) const {
  bool is_busy = false;
  for (auto& one : seen)
    is_busy = look(one, now) || is_busy;
  return is_busy;
}

void stall_monitor::run() {
  ::pthread_setname_np(::pthread_self(), "stall-monitor");
  const auto period = std::max(threshold_ / 2, std::chrono::milliseconds(1));
  std::vector<observation> seen;
  auto last_busy = std::chrono::steady_clock::now();
  auto now = last_busy;
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool dozes = now - last_busy > doze_after_;
    dozing_.store(dozes, std::memory_order_relaxed);
    changed_.wait_for(lock,
                      dozes ? std::max<std::chrono::milliseconds>(period, doze_period) : period,
                      [&] { return end_ || (dozes && !dozing_.load(std::memory_order_relaxed)); });
    if (end_) return;
    now = std::chrono::steady_clock::now();
    for (std::size_t i = seen.size(); i < slots_.size(); ++i) {
      seen.push_back({slots_[i], slots_[i]->turn.load(std::memory_order_acquire), now, {}});
    }
    lock.unlock();
    if (look_at_all(seen, now)) last_busy = now;
    lock.lock();
    // A slot that only this thread still holds has lost its thread. Both lists keep the same order.
    for (std::size_t i = seen.size(); i-- > 0;) {
      if (slots_[i].use_count() > 2) continue;
      slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(i));
      seen.erase(seen.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
}

}  // namespace vsoad
