// A client behind its public face. Everything happens on its loop, but for what is marked; other
// threads leave what they want in the inbox, in order, with one wake-up for all of a burst.
//
//   client_impl.cpp   inbox, operations from launch to completion, the end
//   connecting.cpp    from a URL to a session, and its end
//   requests.cpp      calls, pings, subscriptions, datagrams
//   receiving.cpp     packets of the server
//   watching.cpp      keepalive, turbo, the robot
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "client/active_operations.hpp"
#include "client/dialer.hpp"
#include "client/operation.hpp"
#include "client/server_link.hpp"
#include "net/loop.hpp"
#include "net/quick_peer.hpp"
#include "net/task.hpp"
#include "protocol/keepalive.hpp"
#include "protocol/pending_table.hpp"
#include "protocol/reconnect_delays.hpp"
#include "stream/security.hpp"
#include "stream/stream_registry.hpp"

namespace vsoa {

class client_impl final : public std::enable_shared_from_this<client_impl>,
                          private net::timer_wheel::entry {
 public:
  client_impl(runtime& loops, client_options options);
  ~client_impl() override;

  // --- any thread
  void launch(operation_ptr what, completion done);
  operation_id reserve(client_operation& what) noexcept;
  void cancel(operation_id which);
  /// Runs `work` on the loop, behind what was left in the inbox before, unless the client ends.
  /// @param bytes  that `work` holds
  void post(net::task work, std::size_t bytes = 0);
  /// The same, at once when here and nothing is in the inbox.
  void run(net::task work);
  /// Waits until there is neither a connection nor an attempt nor a robot, or the runtime stops.
  void wait_idle();
  client_stats stats() const;
  std::vector<std::byte> peer_certificate() const;  ///< DER
  std::optional<stream_target> stream_at(std::uint16_t tunid) const;
  stream create_stream(std::uint16_t tunid, stream_callbacks callbacks,
                       const stream_options& options);
  void log(log_level level, std::string_view line) const { loop_.log_line(level, line); }
  void shut_down();
  bool is_here() const noexcept { return loop_.is_here(); }
  bool is_connected() const noexcept { return connected_.load(std::memory_order_acquire); }
  std::size_t pendings() const noexcept { return pendings_; }
  std::optional<server_info> info() const;
  std::vector<std::string> subscriptions() const;
  bool set_turbo(std::chrono::milliseconds turbo);
  bool send_unanswered(const packet_view& p, channel via);
  runtime& loops() const noexcept { return loops_; }
  net::loop& where() const noexcept { return loop_; }

  operation_id start_call(const request& what, completion done);

  // --- the loop's thread
  void disconnect();
  void start_robot(std::string url, robot_options options,
                   std::shared_ptr<const net::tls_context> tls);
  void set_tls(std::shared_ptr<const net::tls_context> tls);
  void set_send_timeout(std::chrono::milliseconds timeout);
  void set_linger(std::optional<std::chrono::milliseconds> linger) { options_.linger = linger; }

  // --- of the link and the operations
  void on_packet(server_link& from, const packet_view& p);
  void on_link_closed(server_link& which, net::close_reason why);
  void on_lingered(server_link& which);
  void on_secured();
  void expire(client_operation& which);
  net::traffic& traffic() noexcept { return traffic_; }
  net::connection::settings connection_settings() const;

  client::message_callback on_message;
  client::message_callback on_datagram;
  std::function<void(const server_info&)> on_connect;
  std::function<void(std::error_code)> on_connect_failed;
  std::function<void(std::error_code)> on_disconnect;

 private:
  enum class phase : std::uint8_t { idle, dialing, handshake, connected };
  struct letter {
    operation_ptr what;
    net::task work;
    std::size_t bytes = 0;
  };

  /// Whether what the caller asks for is next: here, and nothing that was asked for before waits.
  bool is_next() const noexcept { return is_here() && !drain_posted_ && reading_.empty(); }

  // client_impl.cpp
  void enqueue(letter l);
  void drain();
  operation_ptr take_free(client_operation::kind what);
  void recycle(operation_ptr what) noexcept;
  static void forget_details(client_operation& what) noexcept;
  std::error_code begin(operation_ptr& what);
  client_operation& activate(operation_ptr what);
  operation_ptr deactivate(client_operation& o);
  void finish(operation_ptr what, std::error_code error, const reply_view& answer = {});
  void fail(client_operation& o, std::error_code error) { finish(deactivate(o), error); }
  void fail_all(std::error_code error);
  void end_on_loop();
  void settle_letter(letter l);
  void update_idle();
  template <class Callback, class... Arguments>
  void tell(Callback& callback, Arguments&&... arguments) {
    if (!callback || closed_) return;
    contain([&] { callback(std::forward<Arguments>(arguments)...); });
  }
  /// What the application throws is logged and goes no further.
  template <class Work>
  void contain(const Work& work) {
    try {
      work();
    } catch (const std::exception& e) {
      log(log_level::error, std::string("client callback: ") + e.what());
    } catch (...) {
      log(log_level::error, "client callback: unknown exception");
    }
  }

  // connecting.cpp
  std::error_code begin_connect(operation_ptr& what);
  void dial(std::string_view url, const connect_options& options,
            std::shared_ptr<const net::tls_context> tls);
  void adopt(const std::string& name, net::unique_fd socket, const connect_options& options,
             std::shared_ptr<const net::tls_context> tls);
  void dial_begins(const connect_options& options, std::shared_ptr<const net::tls_context> tls);
  void dialed(dialer::result found);
  void open_quick(const socket_address& server);
  void send_servinfo();
  void shaken(const packet_view& p);
  void connect_failed(std::error_code why);
  void end_session(std::error_code why);
  void drop_link(bool reset);
  void set_phase(phase p);

  // requests.cpp
  std::error_code send_request(operation_ptr& what, packet_view p);
  std::error_code begin_subscribing(operation_ptr& what);
  void begin_each(operation_ptr what);
  void remember(const client_operation& o);
  void unsubscribe_one_by_one(operation_ptr what);
  net::slice encode(const packet_view& p);
  bool send_now(const packet_view& p, channel via);
  bool send_slice(const net::slice& packet, channel via, packet_type type);
  void restore_subscriptions();

  // receiving.cpp
  void on_session_packet(const packet_view& p);
  void on_reply(const packet_view& p);
  void on_quick(std::span<const std::byte> datagram);
  void answer_ping(const packet_view& p);
  void apply_priority(std::uint8_t priority);

  // watching.cpp
  void on_timer(net::steady_time now) override;
  void rearm();
  void watch(net::steady_time now);
  void turn_turbo(net::steady_time now);
  void ping_server();
  void start_watching();
  void plan_reconnect();

  struct robot_state {
    std::string url;
    robot_options options;
    std::shared_ptr<const net::tls_context> tls;
  };

  runtime& loops_;
  net::loop& loop_;
  client_options options_;
  net::traffic traffic_;
  std::atomic<operation_id> next_id_{1};
  net::counter pendings_;
  std::atomic<bool> connected_{false};
  std::atomic<std::size_t> unsettled_{0};  // of what went into the inbox

  mutable std::mutex mutex_;
  std::condition_variable became_idle_;    // with mutex_
  bool idle_ = true;                       // guarded by mutex_
  std::vector<letter> inbox_;              // guarded by mutex_
  std::size_t inbox_bytes_ = 0;            // guarded by mutex_
  std::atomic<bool> drain_posted_{false};  // changed under mutex_
  server_info info_;                       // guarded by mutex_; changed on the loop
  std::vector<std::byte> certificate_;     // guarded by mutex_; of the server
  stream_security security_;               // guarded by mutex_; of streams of this session
  std::set<std::string> subscriptions_;    // guarded by mutex_; changed on the loop
  std::optional<robot_state> robot_;       // guarded by mutex_; changed on the loop

  phase phase_ = phase::idle;
  bool closed_ = false;
  std::shared_ptr<dialer> dialer_;
  boost::intrusive_ptr<server_link> link_;
  std::vector<boost::intrusive_ptr<server_link>> lingering_;
  std::shared_ptr<net::quick_peer> quick_;
  bool quick_sends_ = false;
  std::string password_;
  std::string host_;                             // of the URL
  std::shared_ptr<const net::tls_context> tls_;  // of the attempt, or the session
  socket_address address_;
  client_operation* connecting_ = nullptr;  // whose connect is under way
  std::chrono::milliseconds turbo_{0};
  const std::shared_ptr<stream_registry> streams_;
  net::counter ignored_;
  net::counter quick_rejected_;

  active_operations active_;
  protocol::pending_table<client_operation*> table_;
  protocol::unanswered_numbers unanswered_;
  std::size_t calls_ = 0;  // of table_, that are RPCs
  std::vector<operation_ptr> free_;
  std::deque<letter> reading_;  // of the inbox

  protocol::keepalive keepalive_;
  protocol::reconnect_delays delays_;  // the robot's
  net::steady_time connect_end_ = net::steady_time::max();
  net::steady_time secured_by_ = net::steady_time::max();
  net::steady_time reconnect_at_ = net::steady_time::max();
  net::steady_time turbo_at_ = net::steady_time::max();
};

}  // namespace vsoa
