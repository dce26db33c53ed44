// One event loop: an io_context run by one thread, and what is shared by all that lives on it. The
// outgoing bytes of one turn are gathered and leave together: see request_flush().
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "net/chunk.hpp"
#include "net/task.hpp"
#include "net/timer_wheel.hpp"
#include "vsoa/log.hpp"
#include "vsoa/packet.hpp"
#include "vsoa/runtime.hpp"

namespace vsoa::net {

class connection;

/// Runs at the end of a turn in which it was requested, after all connections have been flushed.
class turn_end {
 public:
  virtual void on_turn_end() = 0;

 protected:
  ~turn_end() = default;
};

class loop {
 public:
  /// One read takes at most this much: the largest packet, and many small ones.
  static constexpr std::size_t receive_bytes = max_packet_bytes;

  loop(std::size_t index, const log_sink& log);
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  void run();
  void request_stop();

  std::size_t index() const noexcept { return index_; }
  boost::asio::io_context& context() noexcept { return context_; }
  /// Whether the caller runs on this loop's thread.
  bool is_here() const noexcept { return current() == this; }
  /// The loop that the calling thread runs; null: none.
  static loop* current() noexcept;
  /// Runs `work` on this loop, soon, in order. Any thread. One wake-up serves all that has been
  /// posted.
  void post(task work);

  // The rest: on the loop's thread only.
  output_log& log() noexcept { return output_; }
  std::span<std::byte> receive_buffer() noexcept;
  timer_wheel& wheel() noexcept { return wheel_; }
  void schedule(timer_wheel::entry& e, steady_time due);

  /// Has connection `c` flushed at the end of this turn, those of higher priority first.
  void request_flush(connection& c, std::uint8_t priority);
  void request_turn_end(turn_end& t);
  void cancel_turn_end(turn_end& t) { std::erase(turn_ends_, &t); }

  runtime::timer_id start_timer(runtime::timer_id id, std::chrono::milliseconds delay,
                                std::chrono::milliseconds interval, std::function<void()> body);
  void stop_timer(runtime::timer_id id);

  void log_line(log_level level, std::string_view line) const {
    if (log_sink_) log_sink_(level, line);
  }

 private:
  struct public_timer;
  void run_mail();
  template <class Work>
  void run_contained(Work& work) const;
  void end_turn();
  void want_turn_end();
  void arm_wheel();
  void arm(runtime::timer_id id, std::chrono::milliseconds delay);

  const std::size_t index_;
  const log_sink& log_sink_;
  boost::asio::io_context context_;

  std::mutex mail_mutex_;
  std::vector<task> mail_;       // guarded by mail_mutex_
  bool mail_signalled_ = false;  // guarded by mail_mutex_
  std::vector<task> reading_mail_;

  chunk_pool pool_;
  output_log output_{pool_};
  std::unique_ptr<std::byte[]> receive_buffer_;

  std::array<std::vector<boost::intrusive_ptr<connection>>, max_priority + 1> dirty_;
  std::vector<boost::intrusive_ptr<connection>> flushing_;
  std::vector<turn_end*> turn_ends_;
  bool turn_end_wanted_ = false;

  timer_wheel wheel_;
  boost::asio::steady_timer wheel_timer_;
  steady_time wheel_due_ = steady_time::max();
  std::unordered_map<runtime::timer_id, std::shared_ptr<public_timer>> timers_;
};

}  // namespace vsoa::net

namespace vsoa {

/// The loops and their threads.
class runtime::impl {
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
  net::loop* here() noexcept;
  /// Runs `work` on the loop and returns when it is done: at once when it is here, or no thread
  /// runs.
  void run_and_wait(net::loop& where, const std::function<void()>& work);
  const log_sink& log() const noexcept { return log_; }

 private:
  friend class runtime;
  enum class phase { fresh, running, stopped };
  struct threads;

  log_sink log_;
  std::vector<std::unique_ptr<net::loop>> loops_;
  std::unique_ptr<threads> threads_;
  std::atomic<phase> phase_ = phase::fresh;
  std::atomic<std::uint64_t> next_timer_ = 1;
};

}  // namespace vsoa
