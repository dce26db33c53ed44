#include "vsoa/runtime.hpp"

#include <sched.h>

#include <algorithm>
#include <future>
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
    loops_.push_back(std::make_unique<net::loop>(i, log_));
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
}

void runtime::impl::stop() {
  for (const auto& l : loops_)
    l->request_stop();
  for (auto& thread : threads_->all)
    thread.join();
  threads_->all.clear();
  phase_ = phase::stopped;
}

net::loop* runtime::impl::here() noexcept {
  net::loop* loop = net::loop::current();
  const bool ours =
      loop != nullptr && loop->index() < loops_.size() && loops_[loop->index()].get() == loop;
  return ours ? loop : nullptr;
}

void runtime::impl::run_and_wait(net::loop& where, const std::function<void()>& work) {
  if (where.is_here() || phase_ != phase::running) return work();
  std::promise<void> done;
  where.post([&] {
    work();
    done.set_value();
  });
  done.get_future().wait();
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
