// Opens one outgoing TCP connection, on one loop, within a time.
#pragma once

#include <chrono>
#include <system_error>

#include "net/loop.hpp"
#include "net/socket.hpp"
#include "vsoa/unique_function.hpp"

namespace vsoa::net {

class connector final : private pollable, private timer_wheel::entry {
 public:
  /// An error of the system, ETIMEDOUT when the time is over; or the connected socket.
  using callback = unique_function<void(std::error_code error, unique_fd socket)>;

  explicit connector(loop& where) : loop_(where) {}
  ~connector();
  connector(const connector&) = delete;
  connector& operator=(const connector&) = delete;

  /// Begins. `done` is called once, later, on the loop; it may destroy the connector. After the end
  /// of an attempt another may begin.
  void start(const socket_address& to, std::chrono::milliseconds timeout, callback done);
  void cancel() noexcept;  ///< `done` is not called any more

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer(steady_time now) override;
  std::error_code open(const socket_address& to);
  void finish(std::error_code error);

  loop& loop_;
  unique_fd socket_;
  callback done_;
  std::error_code failed_;  // at once, told by the timer
};

}  // namespace vsoa::net
