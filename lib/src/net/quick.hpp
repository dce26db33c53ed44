// The quick channel's UDP sockets: batched receiving, and sending gathered until the end of the
// turn.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "net/counter.hpp"
#include "net/loop.hpp"
#include "net/socket.hpp"

namespace vsoa::net {

/// Receives on one bound UDP socket, on one loop. Other loops may send on native_handle().
class quick_socket final : private pollable {
 public:
  /// `local`: our address that the datagram came to.
  using callback = std::function<void(std::span<const std::byte> datagram,
                                      const socket_address& from, const ip_address& local)>;

  quick_socket(loop& where, unique_fd socket, callback on_datagram);
  ~quick_socket();

  int native_handle() const noexcept { return socket_.get(); }

  // On the loop's thread.
  void start();  ///< throws std::system_error
  /// Stops receiving, before destruction, which may then take place on any thread. The descriptor
  /// stays valid until then, for those who still send. Idempotent.
  void stop();

 private:
  struct batch;

  void on_ready(std::uint32_t events) override;

  loop& loop_;  // not after stop()
  const unique_fd socket_;
  callback on_datagram_;
  std::unique_ptr<batch> batch_;
  bool is_receiving_ = false;
};

/// Sends datagrams of one loop, many with one system call. What the kernel does not take is
/// dropped: the channel is lossy by contract. Before its end, flushed on its loop and no longer
/// requested there (loop::cancel_turn_end).
class quick_sender final : public turn_end {
 public:
  explicit quick_sender(loop& where) : loop_(where) {}

  /// Queues a datagram until the end of the turn. `socket` stays alive until then.
  void send(const std::shared_ptr<quick_socket>& socket, const socket_address& to,
            const ip_address& from, slice packet);
  /// Sends now what is queued.
  void flush();
  void on_turn_end() override;
  std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }
  std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  struct item {
    std::shared_ptr<quick_socket> socket;
    socket_address to;
    ip_address from;
    slice packet;
  };
  static constexpr std::size_t max_items = 1024;
  static constexpr std::size_t batch_size = 64;

  void send_batch(std::span<item> items);

  loop& loop_;
  std::vector<item> items_;
  bool requested_ = false;
  counter sent_bytes_;
  counter dropped_;
};

}  // namespace vsoa::net
