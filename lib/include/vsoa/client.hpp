// A VSOA client: one connection to one server at a time, on one loop of a runtime. Source: the wire
// notes, lib/README.md, "The client".
//
// Each operation comes in three forms, all the same underneath:
//
//   start_call(request, completion)   a function object, run on the client's loop; no Asio
//   async_call(request, token)        an Asio completion token; include vsoa/async.hpp
//   fetch(request)                    blocks, for plain threads
//
// Threads: all member functions may be called from any thread, callbacks included, unless they say
// otherwise. Callbacks and completions run on the client's loop (those of the async_ form on their
// associated executor), never inside the function that began the operation. They must not block;
// what they throw is logged. What blocks answers errc::would_deadlock on any loop's thread and on
// that of lookups and position servers, of whatever runtime.
//
// Ends: each operation completes exactly once. When the connection is lost, all that wait for an
// answer complete at once with errc::closed; what is begun without a connection completes with
// errc::not_connected; when the client is destroyed, all complete with errc::cancelled before the
// destructor returns (those of the async_ form are handed to their executor by then), and no
// callback runs after that. A client may be destroyed anywhere, also in a callback of its own; its
// runtime must outlive it. On another thread than its loop's that waits for the loop: hold no lock
// that a callback takes, and let no two loops, of one runtime or two, destroy or close each other's
// clients, as they would wait for each other for ever. Between loops, post to the client's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "vsoa/address.hpp"
#include "vsoa/connect_options.hpp"
#include "vsoa/error.hpp"
#include "vsoa/export.hpp"
#include "vsoa/packet.hpp"
#include "vsoa/reply.hpp"
#include "vsoa/robot.hpp"
#include "vsoa/runtime.hpp"
#include "vsoa/stream.hpp"
#include "vsoa/tls.hpp"
#include "vsoa/unique_function.hpp"

namespace vsoa {

class client_impl;
struct client_operation;

/// Everything that a server can make a client hold.
struct client_limits {
  std::size_t outbox = 4U << 20;  ///< bytes queued for the server; more: errc::outbox_full
  std::size_t pending = 65535;    ///< requests without answer, 65535 at most; more:
                                  ///< errc::too_many_pending
  std::chrono::milliseconds partial_timeout{30000};  ///< for the rest of a packet; 0: none
  std::size_t streams = 256;                         ///< at a time
};

/// How a client behaves; how it connects is in connect_options.
struct client_options {
  /// For the kernel to take some of what waits; then the connection is lost. 0: none.
  std::chrono::milliseconds send_timeout{500};
  /// What disconnect() and the destructor do with what is not sent yet. 0: it is thrown away, the
  /// connection reset. Otherwise disconnect() has it sent in the background, for this long at most;
  /// nothing: for a second. The destructor does not wait: it offers the kernel once what is left,
  /// which may be lost when the server is sending at that time.
  std::optional<std::chrono::milliseconds> linger;
  /// A ping each without a robot, as some servers forget who is silent for minutes. 0: none.
  std::chrono::milliseconds idle_ping{60000};
  /// Whether a UDP socket is opened for the quick channel. Never under TLS.
  bool quick = true;
  /// Index of the loop; nothing: the caller's if it is one, else the runtime's loops in turn.
  std::optional<std::size_t> loop;
  /// What the server can make it hold.
  client_limits limits;
};

/// What a client knows of the server that it is connected to.
struct server_info {
  std::string info;  ///< JSON text, as the server sent it; may be empty
  /// What the server calls this client.
  std::uint32_t client_id = 0;
  socket_address address;        ///< the server's end
  socket_address local;          ///< ours
  std::uint16_t quick_port = 0;  ///< the server's; 0: there is no quick channel
  std::uint8_t priority = 0;     ///< as the server has set it
  bool secure = false;           ///< over TLS
};

/// Counters since the client was made; each only grows, but for those said to be gauges.
struct client_stats {
  std::uint64_t received_bytes = 0;  ///< by TCP
  std::uint64_t sent_bytes = 0;      ///< by TCP
  std::uint64_t outbox_bytes = 0;    ///< gauge: queued and not yet taken by the kernel
  std::uint64_t ignored = 0;  ///< packets that answer nothing that is asked, or make no sense
  std::uint64_t quick_rejected =
      0;  ///< datagrams that are malformed or neither PUBLISH nor DATAGRAM
};

/// One URL or several.
struct urls {
  /// In the order in which they are asked for.
  std::vector<std::string> list;

  /// One.
  urls(std::string url) { list.push_back(std::move(url)); }
  /// One.
  urls(std::string_view url) { list.emplace_back(url); }
  /// One.
  urls(const char* url) { list.emplace_back(url); }
  /// Several.
  urls(std::vector<std::string> several) : list(std::move(several)) {}
  /// Several.
  urls(std::initializer_list<std::string_view> several) : list(several.begin(), several.end()) {}
};

/// How an operation ended. The reply is empty if there was an error, or nothing was answered but a
/// status; after a connect its param is the server's info.
using completion = unique_function<void(std::error_code, const reply_view&)>;

/// Names an operation of one client, for cancel(). Never 0, never used again.
using operation_id = std::uint64_t;

/// One connection to one server at a time; see the head of this file.
class VSOA_API client {
 public:
  /// Not connected yet. `loops` outlives it.
  explicit client(runtime& loops, client_options options = {});
  ~client();  ///< close()
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  // --- what the server sends. The setters: before connecting, or on the client's loop, but not
  // --- from the callback that is replaced.

  /// Publishes and datagrams. Those that come together with the handshake's answer may run before
  /// on_connect.
  using message_callback = std::function<void(std::string_view url, payload_view, channel)>;
  /// What is published to it.
  void on_message(message_callback);
  /// Datagrams of the server.
  void on_datagram(message_callback);
  /// A connection has passed the handshake; before the completion of connect.
  void on_connect(std::function<void(const server_info&)>);
  /// An attempt of the robot's has failed; the errors are those of connect().
  void on_connect_failed(std::function<void(std::error_code)>);
  /// That connection is gone, and what waited for an answer has completed. No error: disconnect().
  /// Else errc::closed (by the server), no_answer, not_reading, timeout (an unfinished packet),
  /// violation.
  void on_disconnect(std::function<void(std::error_code)>);

  // --- connecting

  /// Connects to vsoa://host[:port][/path]. An address needs a port; `localhost` is 127.0.0.1; any
  /// other name is looked up at the position servers, whose port counts, then, if there is a port
  /// in the URL, in DNS.
  /// Errors: those of connect_errc; errc::already_connected; errc::cancelled (disconnect());
  /// errc::closed (disconnect() within on_connect).
  operation_id start_connect(std::string_view url, connect_options options, completion done);
  /// The same over a stream socket that is connected already, TCP or of a socketpair(): it is taken
  /// over, and closed whatever happens. There is no quick channel on one that has no port.
  /// @param name  whose certificate it must be, if the options want TLS
  operation_id start_connect_over(int socket, std::string_view name, connect_options options,
                                  completion done);
  template <class Token>
  auto async_connect(std::string_view url, connect_options options,
                     Token&& token);  ///< void(error_code, std::string info)
  /// Blocks. Errors: also errc::would_deadlock, errc::not_running.
  std::error_code connect(std::string_view url, connect_options options = {});

  /// Ends the connection or the attempt, and the robot: at once on the client's loop, unless
  /// something that was asked for before has not begun, else soon, in its turn. What waits for an
  /// answer completes with errc::closed. connect() may follow.
  void disconnect();
  /// Ends all for ever: what has not completed does, with errc::cancelled, and nothing else is
  /// told, not even on_disconnect. Waits until no callback runs any more, unless called by one; see
  /// the head of this file. Idempotent.
  void close();
  /// Waits until there is neither a connection nor an attempt, nor a robot. Errors:
  /// errc::would_deadlock, errc::not_running.
  std::error_code run();

  /// Ends what there is, as disconnect() does, and starts the robot, which connects and stays
  /// connected until disconnect(). Whatever fails is tried again; on_connect and on_disconnect
  /// tell. Throws tls_error if the TLS options can't be used.
  void start_robot(std::string_view url, robot_options options = {});
  /// Changes robot_options::turbo. False: there is no robot yet, or the value is not one of those.
  bool set_turbo(std::chrono::milliseconds turbo);
  /// Other certificates and CAs for a robot that speaks TLS, from its next attempt on; the
  /// connection that it has stays. Reads the files again, so with the same options it takes new
  /// ones in. Without such a robot: nothing. Throws tls_error, and then nothing changes.
  void set_tls(const tls_options& tls);

  /// Whether the handshake is passed and the connection not lost.
  bool is_connected() const noexcept;
  /// Nothing: not connected.
  std::optional<server_info> info() const;
  /// The server's certificate. Nothing: not connected, or without TLS.
  std::optional<certificate_info> peer_certificate() const;

  // --- requests

  /// Calls a command of the server. An answer of any status is no error.
  /// Errors: errc::timeout, closed, not_connected, cancelled, too_large, too_many_pending,
  /// outbox_full, invalid_url.
  operation_id start_call(const request& what, completion done);
  template <class Token>
  auto async_call(const request& what, Token&& token);  ///< void(error_code, reply)
  /// Blocks. Errors: also errc::would_deadlock, errc::not_running.
  std::error_code fetch(const request& what, reply& answer);
  /// Calls without waiting for an answer. False: it can't be sent, see start_call(); on another
  /// thread than the loop's it may still be lost after true.
  bool send_call(const request& what);

  /// Errors: those of a call; a status other than SUCCESS, in status_category().
  operation_id start_ping(completion done,
                          std::chrono::milliseconds timeout = default_call_timeout);
  template <class Token>
  auto async_ping(Token&& token,
                  std::chrono::milliseconds timeout = default_call_timeout);  ///< void(error_code)
  /// Blocks.
  std::error_code ping(std::chrono::milliseconds timeout = default_call_timeout);

  /// Subscribes, one request for each URL, as some servers know no lists; completes when all are
  /// answered, with the first error. What has been granted is remembered for the robot.
  operation_id start_subscribe(urls what, completion done,
                               std::chrono::milliseconds timeout = default_call_timeout);
  template <class Token>
  auto async_subscribe(
      urls what, Token&& token,
      std::chrono::milliseconds timeout = default_call_timeout);  ///< void(error_code)
  /// Blocks.
  std::error_code subscribe(urls what, std::chrono::milliseconds timeout = default_call_timeout);

  /// Gives subscriptions up, one request for each URL; errors as for subscribing.
  operation_id start_unsubscribe(urls what, completion done,
                                 std::chrono::milliseconds timeout = default_call_timeout);
  template <class Token>
  auto async_unsubscribe(
      urls what, Token&& token,
      std::chrono::milliseconds timeout = default_call_timeout);  ///< void(error_code)
  /// Blocks.
  std::error_code unsubscribe(urls what, std::chrono::milliseconds timeout = default_call_timeout);

  /// Gives up all subscriptions: in one request, and if the server refuses that, one by one.
  operation_id start_unsubscribe_all(completion done,
                                     std::chrono::milliseconds timeout = default_call_timeout);
  template <class Token>
  auto async_unsubscribe_all(Token&& token, std::chrono::milliseconds timeout =
                                                default_call_timeout);  ///< void(error_code)
  /// Blocks.
  std::error_code unsubscribe_all(std::chrono::milliseconds timeout = default_call_timeout);
  /// What the server has granted, and the robot will restore, in order of the URLs.
  std::vector<std::string> subscriptions() const;

  /// Sends a datagram. False: not connected, no valid URL, too large for the channel, no quick
  /// channel, outbox full; on another thread than the loop's it may still be lost after true.
  bool datagram(std::string_view url, payload_view payload = {}, channel via = channel::normal);

  /// Connects to the stream that the server offers with this tunnel id, from the address of the
  /// session, over TLS if that has it. on_link tells the outcome, on the client's loop. The stream
  /// outlives the connection, but not the client: then it is aborted, before the destructor returns
  /// unless that is called on the client's loop. No stream: not connected, tunid is 0, or too many
  /// (client_limits::streams).
  stream create_stream(std::uint16_t tunid, stream_callbacks callbacks,
                       const stream_options& options = {});
  /// Where the server offers the stream of this tunnel id, for server::relay_stream(): at its
  /// address, from that of the session, over TLS when that is. Nothing: not connected, or tunid is
  /// 0.
  std::optional<stream_target> stream_at(std::uint16_t tunid) const;

  /// Completes an operation with errc::cancelled, soon, unless it has completed. A late answer is
  /// dropped; the server is not told. As after errc::timeout, the number of the request is not used
  /// again before that answer; of more than 32767 such numbers the oldest are used again.
  void cancel(operation_id which);
  /// Requests that wait for their answer: calls, pings, subscribing and unsubscribing.
  std::size_t pendings() const noexcept;

  void set_send_timeout(std::chrono::milliseconds timeout);  ///< see client_options
  /// See client_options.
  void set_linger(std::optional<std::chrono::milliseconds> linger);

  /// Any thread.
  client_stats stats() const;
  /// Those that it was made with.
  runtime& loops() const noexcept;
  std::size_t loop() const noexcept;  ///< index of the client's loop

  /// For vsoa/async.hpp: a request that is encoded but not yet sent.
  using prepared = std::unique_ptr<client_operation, void (*)(client_operation*) noexcept>;

 private:
  template <class Signature, class Token>
  auto initiate(prepared what, Token token);

  prepared prepare_connect(std::string_view url, connect_options options);
  prepared prepare_call(const request& what);
  prepared prepare_ping(std::chrono::milliseconds timeout);
  prepared prepare_subscribe(urls what, bool subscribing, std::chrono::milliseconds timeout);
  prepared prepare_unsubscribe_all(std::chrono::milliseconds timeout);

  std::shared_ptr<client_impl> impl_;
};

namespace detail {

// What vsoa/async.hpp needs of the implementation.
VSOA_API operation_id reserve_operation(client_impl& where, client_operation& what);
VSOA_API void launch(const std::shared_ptr<client_impl>& where, client::prepared what,
                     completion done);
VSOA_API void cancel(const std::weak_ptr<client_impl>& where, operation_id which);

}  // namespace detail

}  // namespace vsoa
