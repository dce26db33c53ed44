// The client's end of the quick channel: a UDP socket that hears one server only. What can't be
// sent is dropped; errors of the socket, as ICMP reports them, mean nothing.
#pragma once

#include <memory>
#include <span>

#include "net/loop.hpp"
#include "net/socket.hpp"
#include "vsoa/unique_function.hpp"

namespace vsoa::net {

class quick_peer final : public std::enable_shared_from_this<quick_peer>, private pollable {
 public:
  /// The datagram lies in the loop's receive buffer.
  using callback = unique_function<void(std::span<const std::byte> datagram)>;

  explicit quick_peer(loop& where) : loop_(where) {}
  ~quick_peer();

  // On the loop's thread.
  /// Opens the socket, with a port of its own, and turns it to the server. An error: no route.
  std::error_code open(const socket_address& server);
  /// Turns it to another port of the server.
  void turn_to(std::uint16_t port);
  /// Begins to receive. Throws std::system_error.
  void start(callback on_datagram);
  /// Stops. Nothing is received or sent any more. Idempotent.
  void stop() noexcept;

  /// False: the kernel does not take it now.
  bool send(std::span<const std::byte> datagram) noexcept;
  void set_priority(std::uint8_t priority) noexcept;
  std::uint16_t local_port() const noexcept { return local_address(socket_.get()).port; }
  std::uint16_t port() const noexcept { return server_.port; }

 private:
  void on_ready(std::uint32_t events) override;

  loop& loop_;
  unique_fd socket_;
  socket_address server_;
  callback on_datagram_;
  bool receiving_ = false;
};

}  // namespace vsoa::net
