// Waits on a port of the kernel's choice for the one client that a stream is meant for.
#pragma once

#include <chrono>
#include <memory>

#include "net/listener.hpp"
#include "net/timer_wheel.hpp"
#include "stream/opener.hpp"
#include "stream/stream_registry.hpp"

namespace vsoa {

class stream_listener final : public stream_opener, private net::timer_wheel::entry {
 public:
  /// Any thread. Binds, so that the port is known before anybody waits. Throws std::system_error.
  static net::unique_fd bind(const ip_address& at);

  /// @param only  whoever comes from elsewhere is reset and counted, and the wait goes on
  stream_listener(net::loop& where, net::unique_fd socket, const ip_address& only,
                  std::chrono::milliseconds timeout, std::shared_ptr<stream_registry> owner);
  ~stream_listener() override;

  void start(opened done) override;
  void cancel() noexcept override;

 private:
  void arrived(net::unique_fd socket, const socket_address& peer);
  void on_timer(net::steady_time now) override;
  void finish(net::unique_fd socket, std::error_code error);

  net::loop& loop_;
  net::listener listener_;
  const ip_address only_;
  const std::chrono::milliseconds timeout_;
  const std::shared_ptr<stream_registry> owner_;
  opened done_;
};

}  // namespace vsoa
