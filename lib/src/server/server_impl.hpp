// A server's shared part: options, callbacks, addresses, and its shards. Callbacks are set before
// start() and never change after; what may change has a lock, or is each shard's own.
#pragma once

#include <array>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <type_traits>
#include <vector>

#include "net/listener.hpp"
#include "net/quick.hpp"
#include "net/tls_context.hpp"
#include "server/gatekeeper.hpp"
#include "server/shard.hpp"
#include "stream/security.hpp"
#include "stream/stream_registry.hpp"
#include "vsoa/server.hpp"

namespace vsoa {

class server_impl : public std::enable_shared_from_this<server_impl> {
 public:
  server_impl(runtime& loops, server_options options);
  ~server_impl();

  socket_address listen(const socket_address& address);
  socket_address listen(bound_sockets sockets);
  bool close_listener(const socket_address& address);
  void adopt(net::unique_fd socket, std::size_t loop);
  void start();
  void drain();
  bool idle() const;
  void stop();
  std::vector<socket_address> addresses() const;

  bool add_command(std::string url, command_table::entry e);
  bool set_commands(std::vector<server::command_entry> entries);

  bool publish(std::string_view url, payload_view payload, channel via);
  /// What a client has sent as datagrams. On its loop.
  /// @param train  the datagram, and those alike behind it
  void relay(const packet_view& datagram, const protocol::packet_train& train, channel via);
  bool publish_to(client_id client, std::string_view url, payload_view payload, channel via);
  bool datagram(client_id client, std::string_view url, payload_view payload, channel via);
  void reply_deferred(client_id client, std::uint64_t serial, std::uint32_t seqno, status s,
                      const payload_view& payload, std::uint16_t tunid);
  void drop_deferred(client_id client, std::uint64_t serial);
  /// Runs `change` on the session, on its loop: at once when that is here. False: no such client.
  bool change(client_id client, std::function<void(session&)> change);
  /// Never at once: callbacks may close their own client.
  bool close(client_id client);
  void for_all_sessions(std::function<void(session&)> change);
  stream_offer create_stream(client_id client, stream_callbacks callbacks,
                             const stream_options& options);
  stream_offer relay_stream(client_id client, const stream_target& upstream,
                            const stream_options& options);
  stream_offer hand_over_stream(client_id client, stream_taker taker,
                                const stream_options& options);
  awaited_stream await_stream(std::size_t loop, stream_callbacks callbacks,
                              const stream_options& options);
  stream_registry& streams() noexcept { return *streams_; }
  server_stats stats() const;

  shard& shard_of(client_id id) noexcept { return *shards_[shard_index(id)]; }
  const shard& shard_of(client_id id) const noexcept { return *shards_[shard_index(id)]; }
  const std::vector<std::unique_ptr<shard>>& shards() const noexcept { return shards_; }
  shard* here() noexcept;
  std::uint64_t next_serial() noexcept { return next_serial_.fetch_add(1); }
  runtime::impl& loops() noexcept { return loops_; }
  gatekeeper& gate() noexcept { return gate_; }
  const server_options& options() const noexcept { return options_; }
  bool is_stopped() const noexcept { return stopped_.load(); }
  void log(log_level level, std::string_view line) const;

  /// Calls a callback of the application, if there is one. What it throws is logged and goes no
  /// further: it would leave a connection in the middle of a packet.
  template <class Callback, class... Arguments>
  void tell(const Callback& callback, const Arguments&... arguments) const {
    if constexpr (std::is_constructible_v<bool, const Callback&>) {
      if (!callback) return;
    }
    try {
      callback(arguments...);
    } catch (const std::exception& e) {
      log(log_level::error, std::string("callback: ") + e.what());
    } catch (...) {
      log(log_level::error, "callback: unknown exception");
    }
  }

  server::datagram_route route_of(std::string_view url) const {
    auto route = server::datagram_route::tell;
    if (route_datagram) tell([&](std::string_view u) { route = route_datagram(u); }, url);
    return route;
  }
  bool has_tls() const noexcept { return options_.tls.has_value(); }
  bool is_access_checked() const noexcept {
    return access_checked_.load(std::memory_order_relaxed);
  }
  void set_check_access(server::access_check check);
  void set_access_checked(bool checked) noexcept;
  /// For the next connection; null: without TLS.
  std::shared_ptr<const net::tls_context> tls() const;
  void set_tls(const tls_options& options);

  void set_info(std::string json);
  std::shared_ptr<const std::string> info() const;
  void set_limits(const server_limits& limits);
  std::chrono::seconds keepalive() const noexcept { return keepalive_.load(); }
  void set_keepalive(std::chrono::seconds idle);

  void set_credentials(std::vector<credential> credentials);
  /// Has those that are there already take the change over, on their loops.
  void credentials_changed(bool close_others);
  std::shared_ptr<const std::vector<credential>> credentials() const;
  std::chrono::milliseconds send_timeout() const noexcept { return send_timeout_.load(); }
  void set_send_timeout(std::chrono::milliseconds t) noexcept { send_timeout_.store(t); }

  server::access_check check_access;  // see set_check_access()
  server::client_callback on_client;
  server::datagram_callback on_datagram;
  server::datagram_router route_datagram;
  server::subscription_callback on_subscribe;
  server::subscription_callback on_unsubscribe;
  server::interest_callback on_interest;
  std::function<bool(call&)> on_unserved;

 private:
  struct endpoint;

  // In 32 bits, where a division takes half as long.
  std::uint32_t shard_index(client_id id) const noexcept {
    return id % static_cast<std::uint32_t>(shards_.size());
  }

  socket_address add_endpoint(net::unique_fd tcp, net::unique_fd udp);
  void start_and_wait(const std::shared_ptr<endpoint>& e);
  void start_endpoint(endpoint& e);
  std::vector<std::shared_ptr<endpoint>> endpoints() const;
  void stop_listening();
  void close_endpoints();
  void close_endpoint(endpoint& e);
  void accept(net::unique_fd socket, const socket_address& peer, const endpoint& e);
  void adopt_here(net::unique_fd socket, shard& target);
  void quick_arrived(std::span<const std::byte> datagram, const socket_address& from);
  std::optional<client_id> admit(const shard& where, const ip_address& ip);
  void spread_commands();
  bool publish(const packet_view& p, const protocol::packet_train& train, channel via);
  struct stream_beginning;
  stream_beginning begin_stream(client_id client, std::chrono::milliseconds timeout);
  void run_everywhere(const std::function<void(shard&)>& work);

  runtime::impl& loops_;
  const log_sink log_;  // handlers on a work queue may outlive the loops
  server_options options_;
  gatekeeper gate_;
  const std::shared_ptr<stream_registry> streams_;
  std::vector<std::unique_ptr<shard>> shards_;
  std::atomic<std::uint64_t> next_serial_{1};
  std::atomic<std::size_t> next_shard_{0};
  std::atomic<std::chrono::milliseconds> send_timeout_;
  std::atomic<std::chrono::seconds> keepalive_;
  std::atomic<bool> stopped_{false};
  std::atomic<bool> access_checked_{false};

  mutable std::mutex endpoints_mutex_;
  std::vector<std::shared_ptr<endpoint>> endpoints_;  // guarded by endpoints_mutex_
  std::size_t next_endpoint_ = 0;                     // guarded by endpoints_mutex_
  bool started_ = false;                              // guarded by endpoints_mutex_

  mutable std::mutex command_mutex_;
  std::shared_ptr<const command_table>
      commands_;  // guarded by command_mutex_; shards have their own
  mutable std::mutex tls_mutex_;
  std::shared_ptr<const net::tls_context> tls_;  // guarded by tls_mutex_
  mutable std::mutex info_mutex_;
  std::shared_ptr<const std::string> info_;  // guarded by info_mutex_
  mutable std::mutex credentials_mutex_;
  std::shared_ptr<const std::vector<credential>> credentials_;  // guarded by credentials_mutex_
};

}  // namespace vsoa
