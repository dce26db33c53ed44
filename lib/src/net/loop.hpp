// One event loop: a thread with an epoll of its own, and what is shared by all that lives on it. It
// goes in turns: sockets that are ready, then mail from other threads, then the turn's end, where
// the outgoing bytes that have gathered leave together: see request_flush().
#pragma once

#include <array>
#include <atomic>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "net/chunk.hpp"
#include "net/poller.hpp"
#include "net/service.hpp"
#include "net/task.hpp"
#include "net/timer_wheel.hpp"
#include "vsoa/log.hpp"
#include "vsoa/packet.hpp"
#include "vsoa/runtime.hpp"

namespace vsoa::net {

class connection;

/// Takes part in the end of a turn in which it has requested to.
class turn_end {
 public:
  /// Before the connections are flushed: may still send.
  virtual void on_turn_closing() {}
  /// After that.
  virtual void on_turn_end() {}

 protected:
  ~turn_end() = default;
};

class loop {
 public:
  /// One read takes at most this much: the largest packet, and many small ones.
  static constexpr std::size_t receive_bytes = max_packet_bytes;

  /// @param busy_poll  how long the loop goes on asking for work before it sleeps
  /// @param owner  names those whose loop it is
  loop(std::size_t index, const log_sink& log, std::chrono::microseconds busy_poll = {},
       const void* owner = nullptr);
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  void run();
  void request_stop();  ///< any thread

  std::size_t index() const noexcept { return index_; }
  const void* owner() const noexcept { return owner_; }
  /// Whether the caller runs on this loop's thread.
  bool is_here() const noexcept { return current() == this; }
  /// The loop that the calling thread runs; null: none.
  static loop* current() noexcept { return current_; }
  /// Runs `work` on this loop, soon, in order. Any thread.
  void post(task work);

  // The rest: on the loop's thread only.
  poller& sockets() noexcept { return poller_; }
  output_log& log() noexcept { return output_; }
  std::span<std::byte> receive_buffer() noexcept;
  void schedule(timer_wheel::entry& e, steady_time due);

  /// Has connection `c` flushed at the end of this turn, those of higher priority first.
  void request_flush(connection& c, std::uint8_t priority);
  void request_turn_closing(turn_end& t);
  void request_turn_end(turn_end& t);
  void cancel_turn_end(turn_end& t) {
    std::erase(turn_closings_, &t);
    std::erase(turn_ends_, &t);
  }

  runtime::timer_id start_timer(runtime::timer_id id, std::chrono::milliseconds delay,
                                std::chrono::milliseconds interval, std::function<void()> body);
  void stop_timer(runtime::timer_id id);

  void log_line(log_level level, std::string_view line) const {
    if (log_sink_) log_sink_(level, line);
  }

 private:
  // Ends the wait for sockets. Level does not matter, only that something has been written.
  class waker final : public pollable {
   public:
    waker();
    int handle() const noexcept { return event_.get(); }
    void wake() const noexcept;
    void on_ready(std::uint32_t) override {}

   private:
    unique_fd event_;
  };
  struct public_timer;
  using timetable = std::multimap<steady_time, std::shared_ptr<public_timer>>;

  void turn();
  void poll();
  int wait_time();
  bool has_mail() const noexcept { return mail_signalled_.load(std::memory_order_acquire); }
  void run_mail();
  void run_timers();
  void run_public_timers(steady_time now);
  steady_time next_due() const;
  template <class Work>
  void run_contained(Work& work) const;
  void end_turn();
  void run_all(std::vector<turn_end*>& list, void (turn_end::*step)());

  static inline constinit thread_local loop* current_ = nullptr;

  const std::size_t index_;
  const void* const owner_;
  const log_sink& log_sink_;
  const std::chrono::microseconds busy_poll_;
  std::atomic<bool> stopping_{false};

  std::mutex mail_mutex_;
  std::vector<task> mail_;  // guarded by mail_mutex_
  std::atomic<bool> mail_signalled_{false};
  std::atomic<bool> sleeping_{false};  // must be woken to see its mail
  std::vector<task> reading_mail_;

  poller poller_;
  waker waker_;
  chunk_pool pool_;
  output_log output_{pool_};
  std::unique_ptr<std::byte[]> receive_block_;
  std::span<std::byte> receive_buffer_;  // within the block, from the start of a page

  std::array<std::vector<boost::intrusive_ptr<connection>>, max_priority + 1> dirty_;
  std::vector<boost::intrusive_ptr<connection>> flushing_;
  std::vector<turn_end*> turn_closings_;
  std::vector<turn_end*> turn_ends_;
  bool turn_end_wanted_ = false;

  timer_wheel wheel_;
  steady_time wheel_due_ = steady_time::max();
  timetable timetable_;
  std::unordered_map<runtime::timer_id, timetable::iterator> timers_;
  std::unordered_set<runtime::timer_id> stopped_early_;  // before their start has been read
  steady_time busy_since_{};  // when something was last ready; with busy_poll_ only
};

}  // namespace vsoa::net

namespace vsoa {

/// The loops and their threads.
class VSOA_HIDDEN runtime::impl {
 public:
  explicit impl(runtime_options options);
  ~impl();
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  void start();
  void stop();
  std::size_t size() const noexcept { return loops_.size(); }
  net::loop& at(std::size_t index) noexcept { return *loops_[index % loops_.size()]; }
  /// The loop of the calling thread; null: it is none of ours.
  net::loop* here() noexcept {
    net::loop* const loop = net::loop::current();
    return loop != nullptr && loop->owner() == this ? loop : nullptr;
  }
  /// The loops in turn, for what may live on any. Any thread.
  net::loop& next() noexcept { return at(next_loop_.fetch_add(1, std::memory_order_relaxed)); }
  bool is_running() const noexcept { return phase_ == phase::running; }
  /// Runs `work` on the loop and returns when it is done: at once when it is here, or no thread
  /// runs. When the runtime is being stopped and the loop does not come to it, it runs here, once
  /// the loops have ended.
  void run_and_wait(net::loop& where, const std::function<void()>& work);
  bool quiesce(std::chrono::milliseconds patience);
  /// Made, and its thread started, when it is first asked for. Any thread.
  net::service& services();
  /// As run_and_wait(), on the service's thread.
  void run_and_wait(net::service& where, const std::function<void()>& work);
  const log_sink& log() const noexcept { return log_; }

 private:
  friend class runtime;
  bool has_loops() const noexcept {
    const phase now = phase_;
    return now == phase::running || now == phase::stopping;
  }
  /// stopping: the loops are about to end; joined: they have, the service is about to.
  enum class phase { fresh, running, stopping, joined, stopped };
  struct threads;

  log_sink log_;
  std::vector<std::unique_ptr<net::loop>> loops_;
  std::mutex service_mutex_;
  std::unique_ptr<net::service> service_;  // made under service_mutex_
  std::unique_ptr<threads> threads_;
  std::atomic<phase> phase_ = phase::fresh;
  std::atomic<std::uint64_t> next_timer_ = 1;
  std::atomic<std::size_t> next_loop_ = 0;
};

}  // namespace vsoa
