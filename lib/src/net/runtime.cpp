#include "vsoa/runtime.hpp"

#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "net/loop.hpp"

namespace vsoa {
namespace {

constexpr std::size_t max_loops = 64;

std::size_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
}

// What `work` throws stays where it runs, and nobody waits for ever: what is posted to a thread
// that ends meanwhile is not run there, but here, once `has_ended` says so.
template <class Where, class Ended>
void wait_for(Where& where, const std::function<void()>& work, Ended has_ended) {
  constexpr std::chrono::milliseconds look_around{100};
  std::promise<void> done;
  where.post([&] {
    struct always {
      std::promise<void>& told;
      ~always() { told.set_value(); }
    } const at_the_end{done};
    work();
  });
  const auto end = done.get_future();
  const auto is_done = [&](std::chrono::milliseconds bound) {
    return end.wait_for(bound) == std::future_status::ready;
  };
  while (!is_done(look_around)) {
    if (!has_ended()) continue;
    if (!is_done({})) work();
    return;
  }
}

}  // namespace

struct runtime::impl::threads {
  std::vector<std::thread> all;
};

runtime::impl::impl(runtime_options options)
    : log_(std::move(options.log)), threads_(std::make_unique<threads>()) {
  if (options.loops > max_loops) throw std::invalid_argument("runtime: more than 64 loops");
  const std::size_t count =
      options.loops != 0 ? options.loops : std::min(usable_cores(), max_loops);
  for (std::size_t i = 0; i < count; ++i)
    loops_.push_back(std::make_unique<net::loop>(i, log_, options.busy_poll, this));
}

runtime::impl::~impl() {
  stop();
}

void runtime::impl::start() {
  phase expected = phase::fresh;
  if (!phase_.compare_exchange_strong(expected, phase::running)) return;
  for (const auto& l : loops_) {
    threads_->all.emplace_back([&l] { l->run(); });
  }
  const std::lock_guard lock(service_mutex_);
  // A loop may have asked for it meanwhile.
  if (service_ && !service_->is_running()) service_->start();
}

void runtime::impl::stop() {
  // Nobody begins to wait for a loop that may have had its last turn.
  phase_ = phase::stopping;
  for (const auto& l : loops_)
    l->request_stop();
  for (auto& thread : threads_->all)
    thread.join();
  threads_->all.clear();
  net::service* beside = nullptr;
  {
    const std::lock_guard lock(service_mutex_);
    phase_ = phase::joined;  // a service made from now on is not started
    beside = service_.get();
  }
  // Not under the lock: what runs there may ask for the service.
  if (beside != nullptr) beside->stop();
  phase_ = phase::stopped;
}

void runtime::impl::run_and_wait(net::loop& where, const std::function<void()>& work) {
  if (where.is_here() || !has_loops()) return work();
  wait_for(where, work, [this] { return !has_loops(); });
}

net::service& runtime::impl::services() {
  const std::lock_guard lock(service_mutex_);
  if (!service_) {
    service_ = std::make_unique<net::service>(log_);
    if (has_loops()) service_->start();
  }
  return *service_;
}

void runtime::impl::run_and_wait(net::service& where, const std::function<void()>& work) {
  if (where.is_here() || phase_ == phase::fresh || phase_ == phase::stopped) return work();
  wait_for(where, work, [this] { return phase_ == phase::stopped; });
}

bool runtime::impl::quiesce(std::chrono::milliseconds patience) {
  if (!has_loops()) return true;
  // Shared: a loop that is stuck may come to its task when nobody waits any more.
  struct rendezvous {
    std::mutex mutex;
    std::condition_variable all_came;
    std::size_t missing = 0;
  };
  const auto meeting = std::make_shared<rendezvous>();
  for (const auto& l : loops_) {
    if (l->is_here()) continue;
    {
      const std::lock_guard lock(meeting->mutex);
      ++meeting->missing;
    }
    l->post([meeting] {
      const std::lock_guard lock(meeting->mutex);
      if (--meeting->missing == 0) meeting->all_came.notify_all();
    });
  }
  // In pieces: loops that end meanwhile come no more, and have nobody inside.
  constexpr std::chrono::milliseconds look_around{100};
  const auto until = net::after(net::clock_now(), patience);
  std::unique_lock lock(meeting->mutex);
  for (;;) {
    const auto next = std::min(until, net::clock_now() + look_around);
    if (meeting->all_came.wait_until(lock, next, [&] { return meeting->missing == 0; }))
      return true;
    if (!has_loops()) return true;
    if (next == until) return false;
  }
}

runtime::runtime(runtime_options options) : impl_(std::make_unique<impl>(std::move(options))) {}
runtime::~runtime() = default;
void runtime::start() {
  impl_->start();
}
void runtime::stop() {
  impl_->stop();
}
std::size_t runtime::size() const noexcept {
  return impl_->size();
}
std::size_t runtime::here() const noexcept {
  const net::loop* loop = impl_->here();
  return loop != nullptr ? loop->index() : impl_->size();
}
bool runtime::quiesce(std::chrono::milliseconds patience) {
  return impl_->quiesce(patience);
}

void runtime::post(std::size_t index, std::function<void()> body) {
  impl_->at(index).post(std::move(body));
}

// A timer's loop is part of its id, so that stop_timer needs no table.
runtime::timer_id runtime::start_timer(std::size_t index, std::chrono::milliseconds delay,
                                       std::chrono::milliseconds interval,
                                       std::function<void()> body) {
  net::loop& where = impl_->at(index);
  const timer_id id = impl_->next_timer_++ * max_loops + where.index();
  if (where.is_here()) return where.start_timer(id, delay, interval, std::move(body));
  where.post([&where, id, delay, interval, work = std::move(body)]() mutable {
    where.start_timer(id, delay, interval, std::move(work));
  });
  return id;
}

void runtime::stop_timer(timer_id id) {
  net::loop& where = impl_->at(id % max_loops);
  if (where.is_here()) return where.stop_timer(id);
  where.post([&where, id] { where.stop_timer(id); });
}

}  // namespace vsoa
