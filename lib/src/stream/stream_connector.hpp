// Connects to a stream that the other side has offered.
#pragma once

#include <chrono>
#include <optional>

#include "net/loop.hpp"
#include "net/timer_wheel.hpp"
#include "stream/opener.hpp"

namespace vsoa {

class stream_connector final : public stream_opener,
                               private net::pollable,
                               private net::timer_wheel::entry {
 public:
  /// @param from  the local address to connect from, as the server takes its client's only;
  /// nothing:
  ///              the kernel's choice
  stream_connector(net::loop& where, const socket_address& to, std::optional<ip_address> from,
                   std::chrono::milliseconds timeout) noexcept;
  ~stream_connector() override;

  void start(opened done) override;
  void cancel() noexcept override;

 private:
  void on_ready(std::uint32_t events) override;
  void on_timer(net::steady_time now) override;
  void finish(net::unique_fd socket, std::error_code error);

  net::loop& loop_;
  const socket_address to_;
  const std::optional<ip_address> from_;
  const std::chrono::milliseconds timeout_;
  net::unique_fd socket_;
  opened done_;
};

}  // namespace vsoa
