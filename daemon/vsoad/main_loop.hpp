// The event loop of the main thread: what is not in the way of packets runs here, one thing after
// the other, and so needs no locks. Signals, the control socket, timers, watched directories.
#pragma once

#include <chrono>
#include <csignal>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace vsoad {

class logging;

/// Not thread-safe, but for what is posted to context(). What a task throws is logged, and the loop
/// goes on.
class main_loop {
 public:
  /// @param signals  what on_signal() is told of; blocked in all threads already, and staying so
  /// @param log      outlives this object
  /// Throws std::system_error without descriptors.
  main_loop(const sigset_t& signals, const logging& log);
  ~main_loop();
  main_loop(const main_loop&) = delete;
  main_loop& operator=(const main_loop&) = delete;

  /// For what waits here.
  boost::asio::io_context& context() noexcept;
  /// Called for each signal, from run() or run_for(). Without it, signals wait.
  void on_signal(std::function<void(int)> handler);
  /// Runs `task` again and again, first after `interval`, as long as this object lives.
  void every(std::chrono::milliseconds interval, std::function<void()> task);
  /// The same, but `task` answers after how long to run it again.
  void repeat(std::chrono::milliseconds first, std::function<std::chrono::milliseconds()> task);

  /// Runs what there is to do until quit().
  void run();
  /// The same for a time, or until quit().
  void run_for(std::chrono::milliseconds time);
  /// Ends run(). From within it.
  void quit() noexcept;

 private:
  class impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace vsoad
