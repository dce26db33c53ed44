// Accepts TCP connections on one address, on one loop.
#pragma once

#include <functional>

#include "net/loop.hpp"
#include "net/socket.hpp"

namespace vsoa::net {

class listener final : private pollable, private timer_wheel::entry {
 public:
  using callback = std::function<void(unique_fd socket, const socket_address& peer)>;

  /// @param socket  bound and listening
  listener(loop& where, unique_fd socket, callback on_accept);

  // On the loop's thread.
  void start();  ///< throws std::system_error
  void stop();   ///< before destruction. Idempotent

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer(steady_time now) override;
  bool accept_one();
  void pause(int error);

  loop& loop_;
  unique_fd socket_;  // empty after stop()
  callback on_accept_;
  bool failing_ = false;  // out of descriptors or memory; said once
};

}  // namespace vsoa::net
