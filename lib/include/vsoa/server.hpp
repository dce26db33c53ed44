// A VSOA server: listens on TCP and UDP, answers handshakes, RPCs and subscriptions, publishes, and
// sends and receives datagrams. One server may listen on several addresses; its clients are spread
// over the loops of its runtime and each stays on its loop for life.
//
// Threads: callbacks about a client (handlers without work queue, on_unserved, on_client,
// on_datagram, route_datagrams, on_subscribe, on_unsubscribe, on_interest) run on that client's
// loop, so those of different clients may run at the same time. All member functions may be called
// from any thread, callbacks included, unless they say otherwise. Closing a client inside a
// callback takes effect after the callback has returned.
//
// On a server without credentials a client may call, subscribe and send datagrams before its
// handshake, hence before on_client: client() does not find it yet, and nothing is published to it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vsoa/address.hpp"
#include "vsoa/export.hpp"
#include "vsoa/packet.hpp"
#include "vsoa/runtime.hpp"
#include "vsoa/status.hpp"
#include "vsoa/stream.hpp"
#include "vsoa/tls.hpp"
#include "vsoa/work_queue.hpp"

namespace vsoa {

class server;

/// Names one session of one server: unpredictable, never 0, unique among the server's live
/// sessions. Its remainder by the number of loops is the index of the session's loop.
using client_id = std::uint32_t;

/// What a client must have, and the role that it gives: a password, a certificate, or both.
struct credential {
  /// What is given; any text.
  std::string role;
  std::string password;       ///< empty beside a certificate: none is asked for
  std::string certificate{};  ///< a pattern of vsoa::matches(); empty: none is asked for
};

/// What is done with a subscriber that does not read what it asked for.
enum class slow_consumer {
  close,  ///< reset the connection: outbox full, or nothing could be written for `send_timeout`
  drop,   ///< drop publishes and datagrams that find the outbox full; a reply that does still
          ///< resets the connection, `send_timeout` does not
};

/// Everything that a peer can make a server hold, and for how long.
struct server_limits {
  std::size_t clients = 10000;            ///< connections, handshakes under way included
  std::size_t clients_per_address = 256;  ///< of them from one IPv4 address or IPv6 /64
  std::size_t handshakes = 1024;  ///< connections that have not passed the handshake; when any
                                  ///< of these three is reached, the oldest connection still
                                  ///< in its handshake makes room; without one, the new is refused
  std::chrono::milliseconds handshake_timeout{5000};  ///< from accept, or the end of TLS's own
                                                      ///< handshake, to the first good SERVINFO
  std::chrono::milliseconds partial_timeout{
      30000};                                   ///< for the rest of a packet once begun; 0: none
  std::chrono::milliseconds send_timeout{100};  ///< for the kernel to take some of what waits;
                                                ///< 0: none
  std::size_t outbox = 4U << 20;                ///< bytes queued for one client
  /// What is done then.
  slow_consumer slow = slow_consumer::close;
  std::size_t subscriptions = 1024;             ///< URLs per client; more: status NO_MEMORY
  std::size_t subscription_bytes = 256U << 10;  ///< of their text, per client; more: NO_MEMORY
  std::size_t calls_in_flight = 65535;  ///< unanswered RPCs per client; more: status NO_MEMORY
  std::size_t streams = 1024;  ///< offered, connected or ending; more: create_stream() fails
  std::size_t streams_per_client = 64;  ///< of them for one client
};

/// How a server is set up; what is not here can be changed later.
struct server_options {
  std::string info = "\"\"";  ///< SERVINFO, as JSON text that goes into a packet, else construction
                              ///< throws std::invalid_argument; keep it under 2048 bytes
  std::vector<credential>
      credentials;  ///< none: open to all. The first that matches gives the role
  /// What clients can make it hold.
  server_limits limits;
  std::chrono::seconds keepalive{0};  ///< TCP keepalive idle time of new clients; 0: off
  /// TLS on all its addresses; the quick channel is off then. Files that can't be used:
  /// construction throws tls_error.
  std::optional<tls_options> tls{};
};

/// The sockets of one address of a server. Whoever holds them closes them.
struct bound_sockets {
  int tcp = -1;  ///< listening
  int udp = -1;  ///< for the quick channel; on the same port, if that could be had
};
/// Binds them, as server::listen() does: with port 0 the kernel chooses, and if UDP can't have the
/// same port then, it has another. Non-blocking, close-on-exec. Throws std::system_error naming the
/// address. Any thread.
/// @param have  what is there already, by systemd for one, is not bound, and -1 in what is returned
VSOA_API bound_sockets bind_sockets(const socket_address& address, bound_sockets have = {});

/// Counters since the start; each only grows, but for those said to be gauges.
struct server_stats {
  std::uint64_t clients = 0;  ///< gauge: connections now, handshakes included
  /// TCP connections.
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;     ///< over a limit at accept, or displaced by a newer one
  std::uint64_t handshakes = 0;  ///< sessions that passed
  /// Connections closed for `handshake_timeout`.
  std::uint64_t handshake_timeouts = 0;
  std::uint64_t tls_failed = 0;              ///< TLS handshakes that failed
  std::uint64_t tls_handshake_timeouts = 0;  ///< TLS handshakes that were not over in time
  std::uint64_t bad_passwords = 0;           ///< sessions answered PASSWORD and closed
  std::uint64_t protocol_errors = 0;  ///< connections closed for malformed or oversized packets
  std::uint64_t slow_closed = 0;      ///< connections reset because they did not read
  std::uint64_t dropped = 0;          ///< publishes and datagrams: outbox full, or not taken by UDP
  /// Connections closed for `partial_timeout`.
  std::uint64_t partial_timeouts = 0;
  /// RPCs that have come.
  std::uint64_t calls = 0;
  std::uint64_t calls_refused = 0;   ///< answered NO_MEMORY: calls_in_flight, or a full work queue
  std::uint64_t denied = 0;          ///< forbidden by check_access(): calls, requests, datagrams,
                                     ///< and subscriptions that access_changed() has taken away
  std::uint64_t publishes = 0;       ///< of publish(); publish_to() is not counted
  std::uint64_t deliveries = 0;      ///< of these to subscribers, both channels
  std::uint64_t datagrams_in = 0;    ///< both channels
  std::uint64_t relayed = 0;         ///< of these published, see route_datagrams()
  std::uint64_t quick_rejected = 0;  ///< malformed, not DATAGRAM, unknown client, wrong source
                                     ///< address, or too many on their way to the client's loop
  std::uint64_t received_bytes = 0;  ///< by TCP
  /// By TCP.
  std::uint64_t sent_bytes = 0;
  std::uint64_t reads = 0;             ///< system calls that read from a client's TCP socket
  std::uint64_t writes = 0;            ///< system calls that wrote to a client's TCP socket
  std::uint64_t outbox_bytes = 0;      ///< gauge: queued and not yet taken by the kernel
  std::uint64_t streams = 0;           ///< gauge: offered, connected, or ending
  std::uint64_t streams_opened = 0;    ///< offered to a client
  std::uint64_t streams_refused = 0;   ///< over a limit
  std::uint64_t stream_timeouts = 0;   ///< offered, and the client did not come
  std::uint64_t stream_strangers = 0;  ///< connections to an offered stream from elsewhere
  /// By streams.
  std::uint64_t stream_received_bytes = 0;
  std::uint64_t stream_sent_bytes = 0;    ///< of relayed streams: both ways
  std::uint64_t stream_queued_bytes = 0;  ///< gauge: taken by send(), and not yet by the kernel
};

/// What is known of a session.
struct client_info {
  /// Never 0 in a session.
  client_id id = 0;
  socket_address address;  ///< the client's end
  socket_address local;    ///< ours
  std::string role;        ///< empty on an open server
  /// See set_authed().
  bool authed = true;
  /// 0..7; see set_priority().
  std::uint8_t priority = 0;
  std::uint16_t quick_port = 0;  ///< 0: the client has no quick channel
};

/// A session as operators see it.
struct session_report {
  /// Who it is.
  client_info client;
  std::chrono::seconds age{0};       ///< since it connected
  std::uint64_t received_bytes = 0;  ///< by TCP, as is what follows
  /// Taken by the kernel.
  std::uint64_t sent_bytes = 0;
  std::uint64_t queued_bytes = 0;  ///< not yet taken by the kernel
  std::size_t subscriptions = 0;   ///< URLs
  std::string certificate{};  ///< its subject, as certificate_info::subject_text(); empty: none
};

/// Sessions, up to a limit.
struct session_list {
  std::vector<session_report> sessions;  ///< the oldest first
  std::size_t total = 0;                 ///< all that have passed the handshake
};

/// A URL, perhaps with a slash at its end, that is subscribed to.
struct subscribed_url {
  /// As it was subscribed to.
  std::string url;
  std::size_t subscribers = 0;  ///< sessions
};

/// The right to answer one RPC later, from any thread. At most one answer is sent; answering after
/// the client has gone, or twice, does nothing. Destroyed unanswered, it answers NO_RESPONDING.
class VSOA_API deferred_call {
 public:
  deferred_call() noexcept = default;
  /// Takes the right over.
  deferred_call(deferred_call&&) noexcept = default;
  /// Answers NO_RESPONDING where it still had to, and takes the other right over.
  deferred_call& operator=(deferred_call&&) noexcept;
  ~deferred_call() {
    if (owner_) reply(status::no_responding);
  }

  /// @param tunid  a stream's tunnel id; 0: none
  void reply(status s, const payload_view& payload = {}, std::uint16_t tunid = 0);
  /// Gives the call up: no answer is sent.
  void drop() noexcept;
  /// Whether the answer is still owed.
  explicit operator bool() const noexcept { return static_cast<bool>(owner_); }

  /// For libvsoa's own parts.
  deferred_call(std::shared_ptr<class server_impl> owner, client_id client, std::uint32_t seqno,
                std::uint64_t session) noexcept;

 private:
  std::shared_ptr<class server_impl> owner_;
  client_id client_ = 0;
  std::uint32_t seqno_ = 0;
  std::uint64_t session_ = 0;
};

/// One RPC, while its handler runs. All views die when the handler returns.
class VSOA_API call {
 public:
  call(const call&) = delete;
  call& operator=(const call&) = delete;

  /// Who calls.
  client_id client() const noexcept { return client_; }
  /// As the client has sent it.
  std::string_view url() const noexcept { return url_; }
  /// GET or SET.
  enum method method() const noexcept { return method_; }
  /// As the client has numbered it.
  std::uint32_t seqno() const noexcept { return seqno_; }
  /// What was sent.
  const payload_view& payload() const noexcept { return payload_; }

  /// Answers: once; a second time does nothing. A handler that returns without having answered or
  /// deferred leaves the client without an answer, which VSOA allows.
  /// A payload too large for a packet is answered NO_MEMORY without payload.
  void reply(status s, const payload_view& payload = {}, std::uint16_t tunid = 0) {
    if (!open_) return;
    open_ = false;
    do_reply(s, payload, tunid);
  }

  /// Takes the right to answer out of the handler. Empty if already answered or deferred.
  [[nodiscard]] deferred_call defer();

  /// @cond for libvsoa's own parts
 protected:
  call() noexcept = default;
  ~call() = default;
  virtual void do_reply(status s, const payload_view& payload, std::uint16_t tunid) = 0;
  virtual deferred_call do_defer() = 0;

  client_id client_ = 0;
  std::string_view url_;
  enum method method_ = method::get;
  std::uint32_t seqno_ = 0;
  payload_view payload_;
  bool open_ = true;
  /// @endcond
};

/// Handlers must not throw; one that does is answered NO_RESPONDING and logged.
using command_handler = std::function<void(call&)>;

/// See the head of this file.
class VSOA_API server {
 public:
  /// Bound to nothing yet. `loops` outlives it. Throws std::invalid_argument for bad options.
  server(runtime& loops, server_options options = {});
  /// Stops, and waits until no callback of this server runs on a loop. Handlers on a work queue
  /// may still wait or run there; what they answer is dropped, and they must not use the server.
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Binds TCP and, on the same port, UDP; as often as there are addresses. After start() it
  /// accepts at once. With port 0 the kernel chooses; if UDP can't have the same port, another is
  /// announced to clients. Throws std::system_error naming the address. Not on a loop's thread.
  /// @return the bound address
  socket_address listen(const socket_address& address);
  /// The same with sockets that are bound already, by bind_sockets() or by systemd. Takes them
  /// over, also when it throws std::system_error: they are not what they ought to be.
  socket_address listen(bound_sockets sockets);
  /// Accepts no more on an address that listen() has returned. The clients that have come by it
  /// stay, but for their quick channel. False: there is none. Not on a loop's thread.
  bool close_listener(const socket_address& address);

  /// Takes over a connected stream socket, TCP or of a socketpair(), as if it had been accepted;
  /// closes it if the limits do not let it in. It has no quick channel. The loops must run.
  /// @param loop  that it lives on, modulo their number
  void adopt(int socket, std::size_t loop);

  /// Begins to accept. Once. Waits for the loops of its addresses, if they run, so not on one of
  /// the runtime's loops. Throws std::system_error if the kernel refuses; then it can only be
  /// stopped.
  void start();
  /// Stops accepting, and reading from clients; answers of calls in flight still go out.
  /// Not on a loop's thread.
  void drain();
  /// Whether nothing is in flight: no unanswered call and no unsent byte. Meaningful after drain().
  bool idle() const;
  /// Closes listeners and clients. Idempotent. Not on a loop's thread.
  void stop();

  /// Those that listen() has returned, in that order, but for those closed since. Any thread.
  std::vector<socket_address> addresses() const;

  /// Serves a URL: exact "/a", a subtree "/a/" (with "/a" unless that is served itself), or "/",
  /// what nothing else serves; the longest wins. Replaces an earlier handler of the same URL. With
  /// a queue the handler runs there, on a copy of the request; the queue must outlive the server. A
  /// full queue is answered NO_MEMORY. Each loop takes the change over between two packets. False
  /// if the URL is not valid.
  bool command(std::string url, command_handler handler, work_queue* queue = nullptr);
  /// Several at once: (URL, handler, queue or null) replace all that were registered before. False,
  /// and nothing changes, if one of the URLs is not valid.
  struct command_entry {
    /// See command().
    std::string url;
    /// What serves it.
    command_handler handler;
    /// Null: on the client's loop.
    work_queue* queue = nullptr;
  };
  /// See command_entry.
  bool set_commands(std::vector<command_entry> entries);
  /// Serves requests that no command serves; without it they are answered INVALID_URL. The handler
  /// answers, or returns false to have INVALID_URL sent. Must not throw. Before start().
  void on_unserved(std::function<bool(call&)> handler);

  /// @param connected  true once the handshake is passed; false when that session is gone, and
  ///                   client() no longer finds it
  using client_callback = std::function<void(client_id, bool connected)>;
  /// Who has sent what, and how; the views die when it returns.
  using datagram_callback =
      std::function<void(client_id, std::string_view url, payload_view, channel)>;
  /// `urls` are those newly added, or really removed. Those that end with the session are not told.
  using subscription_callback =
      std::function<void(client_id, std::span<const std::string_view> urls)>;
  /// What a client asks for.
  enum class access : std::uint8_t { call, subscribe, datagram };
  /// Whether a client of this role may do that on a URL; of subscribe it is what is subscribed to,
  /// which may end with a slash and stand for many. On the client's loop. One that throws forbids.
  using access_check =
      std::function<bool(std::string_view role, access what, std::string_view url)>;
  /// Asked for each call, each URL of a request to subscribe, and each datagram; once for several
  /// datagrams as for datagram_router. What it forbids is answered NO_PERMISSIONS, a datagram is
  /// dropped; server_stats::denied counts them. Without it nothing is asked. Before start().
  void check_access(access_check);
  /// Whether the check is asked at all, as it is by default: there may be nothing for it to forbid
  /// for now. Any thread; what is posted to a loop from then on finds it so there.
  void set_access_checked(bool checked);
  /// What the check answers has changed: each loop asks it for each subscription of its clients,
  /// takes away those that it forbids now, and tells on_unsubscribe. What is queued already is
  /// still sent, and the client is not told: the protocol has no message for it. Any thread.
  void access_changed();

  // The setters below: before start(). The callbacks must not throw.
  /// Clients that come and go.
  void on_client(client_callback);
  /// Datagrams, whatever their URL.
  void on_datagram(datagram_callback);
  /// What becomes of a client's datagram.
  enum class datagram_route : std::uint8_t {
    tell,   ///< on_datagram is told of it
    relay,  ///< it is published on its URL, on the channel on which it came
    both,   ///< it is published, and then on_datagram is told
  };
  /// Asked for the URL of a datagram; once for several of one client that come one behind the
  /// other on one URL. To relay here costs far less than to publish from on_datagram. Without it
  /// all are told.
  using datagram_router = std::function<datagram_route(std::string_view url)>;
  /// See datagram_router.
  void route_datagrams(datagram_router);
  /// After it has been granted.
  void on_subscribe(subscription_callback);
  /// After they are gone: given up by the client, or taken by access_changed().
  void on_unsubscribe(subscription_callback);
  /// `pattern` has got its first subscriber on the calling loop, or lost its last there, whatever
  /// the reason: also by the end of a session, or a request over a limit, which is undone at once.
  using interest_callback = std::function<void(std::string_view pattern, bool wanted)>;
  void on_interest(interest_callback);  ///< see interest_callback
  /// Calls `visit` with each pattern that has a subscriber on the calling loop; nothing on a thread
  /// that is no loop. It must not change subscriptions.
  void for_each_interest(const std::function<void(std::string_view pattern)>& visit) const;

  /// Sends to every subscriber of `url` that has passed the handshake and is authed, of higher
  /// priority first (within one loop). Quick: by UDP, to those with a quick channel. False: URL not
  /// valid, payload too large for the channel, or, on a thread that is no loop, 64 MiB wait for
  /// some loop already, whose clients miss it. Encoded once for all subscribers of a loop.
  bool publish(std::string_view url, payload_view payload, channel via = channel::normal);
  /// The same to one client, whether subscribed or not (but authed): retained values. False also if
  /// there is no such client. On the client's own loop, false too if it can't be sent now: not
  /// authed, no quick channel, outbox full; elsewhere that is not known yet, and true.
  bool publish_to(client_id client, std::string_view url, payload_view payload,
                  channel via = channel::normal);
  /// Whether at least one client is subscribed to what a publish on `url` would reach.
  bool is_subscribed(std::string_view url) const;

  /// Sends a datagram to one client, authed or not. False as for publish_to().
  bool datagram(client_id client, std::string_view url, payload_view payload,
                channel via = channel::normal);

  /// Clients that have passed the handshake, of higher priority first.
  std::vector<client_info> clients() const;
  /// Nothing: no such client, or still in its handshake.
  std::optional<client_info> client(client_id id) const;
  /// What there is to know of sessions, the `most` oldest. Costs time with their number.
  session_list sessions(std::size_t most) const;
  /// The `most` URLs with the most subscribers, those first; URLs that each loop has few of may be
  /// missed in favour of others that have no more. Costs time with the number of URLs.
  std::vector<subscribed_url> subscribed_urls(std::size_t most) const;
  /// Whether this client takes a publish on `url`.
  bool is_subscribed(client_id client, std::string_view url) const;

  // Each: false if there is no such client.
  /// A client that is not gets no publishes.
  bool set_authed(client_id client, bool authed);
  /// @param priority  0..7, else false: order of publishes, IP TOS, and a QOSSETUP packet to the
  ///                  client
  bool set_priority(client_id client, std::uint8_t priority);
  /// TCP keepalive: probe after `idle`, give up after about three times that. 0: off.
  bool set_keepalive(client_id client, std::chrono::seconds idle);
  /// See server_limits::send_timeout.
  bool set_send_timeout(client_id client, std::chrono::milliseconds timeout);
  bool close(client_id client);  ///< what is queued for the client is lost

  /// Offers a stream to a client: listens on a port of the kernel's choice at the address where the
  /// client has reached us, and takes one connection, from the client's address. Tell the client
  /// the tunnel id in the answer to its call. Callbacks run on the client's loop; a stream outlives
  /// its client's session unless the options say otherwise. When nobody has come in time,
  /// on_link(false) is all that is told. drain() lets streams send
  /// what is queued if that is all, by shutdown_write() or close(); it resets the others, so that
  /// what is cut off does not look whole, and offers no more.
  stream_offer create_stream(client_id client, stream_callbacks callbacks,
                             const stream_options& options = {});
  /// The same for a stream that another server offers: once the client has come we connect to
  /// `upstream`, and what either sends goes to the other, a half close, too. Bytes that one side
  /// does not take hold the other up. `send_timeout` and `outbox` are not used; the offer has no
  /// handle.
  stream_offer relay_stream(client_id client, const stream_target& upstream,
                            const stream_options& options = {});
  /// The same for who wants the connected socket, to pass it on to another process: what it carries
  /// is never encrypted; with TLS it is one end of a pair, and relayed. Of the options `timeout`
  /// and `ends_with_client` are used, and `keepalive` with TLS; the offer has no handle.
  stream_offer hand_over_stream(client_id client, stream_taker taker,
                                const stream_options& options = {});
  /// The other end of that: a stream on loop `loop` (modulo their number), counted and limited
  /// among this server's, whose socket is still to come. `timeout` is not used.
  awaited_stream await_stream(std::size_t loop, stream_callbacks callbacks,
                              const stream_options& options = {});

  /// For new sessions, and connections that have not passed the handshake. Those that have keep
  /// what they have.
  /// @param close_others  closes sessions whose role none of them gives; nobody if there are none
  void set_credentials(std::vector<credential> credentials, bool close_others = false);
  /// For new connections of a server that was made with TLS, else throws std::logic_error: reads
  /// the files, also if the options are those of before. Throws tls_error, and nothing changes, if
  /// they can't be used.
  void set_tls(const tls_options& options);
  /// The certificate that a client has shown, verified. Nothing: no such client, no TLS, or none
  /// was shown.
  std::optional<certificate_info> peer_certificate(client_id client) const;
  /// SERVINFO, for handshakes from now on. Throws std::invalid_argument as construction does.
  void set_info(std::string json);
  /// For new clients and those connected. None is closed because there are more than a limit now
  /// allows, or it holds more.
  void set_limits(const server_limits& limits);
  /// TCP keepalive of new clients and those connected. 0: off.
  void set_keepalive(std::chrono::seconds idle);
  /// One password without role; empty: none.
  void set_password(std::string password);
  /// For new clients and, if `existing`, for those connected.
  void set_send_timeout(std::chrono::milliseconds timeout, bool existing = true);

  /// Now, of all loops together.
  server_stats stats() const;

 private:
  std::shared_ptr<server_impl> impl_;
};

}  // namespace vsoa
