// One client of a server: what the protocol makes of its connection. Handlers of the message kinds
// are in handle_*.cpp.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/connection.hpp"
#include "net/quick.hpp"
#include "protocol/encoder.hpp"
#include "server/subscriptions.hpp"
#include "vsoa/server.hpp"

namespace vsoa {

class shard;

class session final : public net::connection {
 public:
  struct origin {
    client_id id = 0;
    std::uint64_t serial = 0;  ///< of all sessions of the server, in order of connection
    socket_address peer;
    socket_address local;
    std::shared_ptr<net::quick_socket> quick;
    std::uint16_t quick_port = 0;  ///< ours
  };
  session(shard& owner, net::transport bytes, origin from);

  // Any thread that holds the shard's lock; the loop's thread without it.
  client_id id() const noexcept { return origin_.id; }
  std::uint64_t serial() const noexcept { return origin_.serial; }
  std::uint64_t order() const noexcept { return order_; }
  std::uint8_t priority() const noexcept { return priority_.load(std::memory_order_relaxed); }
  bool is_handshaken() const noexcept { return handshaken_.load(std::memory_order_acquire); }
  client_info info() const;
  const socket_address& peer() const noexcept { return origin_.peer; }
  const socket_address& local() const noexcept { return origin_.local; }
  bool is_subscribed(std::string_view url) const;
  std::size_t subscription_count() const noexcept { return topics_.size(); }
  /// Since it connected.
  std::chrono::seconds age() const noexcept;
  /// DER; empty: none. Once it is handshaken.
  std::vector<std::byte> certificate() const { return bytes().peer_certificate(); }

  // The loop's thread only.
  void reply(std::uint32_t seqno, status s, const payload_view& payload, std::uint16_t tunid);
  /// An answer made elsewhere, encoded.
  void reply_encoded(const net::slice& packet);
  /// `count` publishes, one behind the other, encoded once for all.
  void deliver(const net::slice& packets, std::uint32_t count);
  void deliver_quick(const net::slice& packet);
  /// Closes, soon: whoever found the outbox full may be in the middle of a callback.
  void close_slow();
  /// A datagram, or a publish meant for this client alone.
  bool send_message(const packet_view& p, channel via);
  void quick_datagram(const packet_view& p, const socket_address& from);

  void limits_changed(const server_limits& before);
  /// Takes away what it may not be subscribed to any more.
  void access_changed();
  const std::string& role() const noexcept { return role_; }
  /// Before the handshake: whether it may go on without.
  void set_authenticated(bool authenticated) noexcept { authenticated_ = authenticated; }
  /// Its quick channel ends, if it is by this socket.
  void lose_quick(const net::quick_socket& socket);
  void set_authed(bool authed);
  void set_priority(std::uint8_t priority);
  void set_keepalive(std::chrono::seconds idle) { net::set_keepalive(native_handle(), idle); }
  using net::connection::block_input;
  using net::connection::set_send_timeout;
  void disconnect() { close(net::close_reason::local); }
  using net::connection::abandon;
  void stop_input() { stop_reading(); }

  void call_deferred() noexcept;
  void call_ended() noexcept;

 private:
  next on_packet(const packet_view& p) override;
  void on_closed(net::close_reason why) override;
  void on_lingered() override;
  void on_secured() override;
  void on_deadline() override;

  void dispatch(const packet_view& p);
  void refuse(const packet_view& p);
  void handle_servinfo(const packet_view& p);
  bool authenticate(const packet_view& p);
  void await_handshake();
  void handle_rpc(const packet_view& p);
  void handle_subscribe(const packet_view& p);
  void handle_unsubscribe(const packet_view& p);
  void handle_datagram(const packet_view& p);

  bool may(server::access what, std::string_view url);
  [[gnu::noinline]] bool is_allowed(server::access what, std::string_view url);
  bool may_subscribe(const std::vector<std::string_view>& urls);
  status subscribe(const std::vector<std::string_view>& urls, std::vector<std::string_view>& added);
  std::vector<std::string_view> unsubscribe(const std::vector<std::string_view>& urls);
  void tell_unsubscribed(const std::vector<std::string_view>& urls);
  bool takes_publishes() const noexcept;
  void settle();
  void overflow();
  void send_head(protocol::packet_head head);
  void send_answer(protocol::packet_head head, const payload_view& payload);
  void send_uncopied(protocol::packet_head head, const payload_view& payload, std::size_t bytes);
  void answer(const packet_view& request, status s);
  net::slice encode(const packet_view& p, std::size_t bytes);

  shard& shard_;
  origin origin_;
  std::uint64_t order_;
  std::string role_;
  subscriptions::list topics_;
  std::size_t subscription_bytes_ = 0;
  std::size_t calls_in_flight_ = 0;
  const std::uint32_t connected_at_;  // seconds of the steady clock
  std::atomic<std::uint16_t> peer_quick_port_{0};
  std::atomic<std::uint8_t> priority_{0};
  std::atomic<bool> authed_{true};
  std::atomic<bool> handshaken_{false};
  bool authenticated_;
  bool announced_ = false;  // on_client has been told
  bool doomed_ = false;     // about to be closed: nothing more is queued
};

}  // namespace vsoa
