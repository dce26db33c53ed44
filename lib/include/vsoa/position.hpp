// Position: from service names to addresses, by UDP and JSON. Source: the wire notes,
// lib/README.md, "Position service".
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vsoa/address.hpp"
#include "vsoa/export.hpp"
#include "vsoa/log.hpp"
#include "vsoa/runtime.hpp"

namespace vsoa {

inline constexpr std::uint16_t default_position_port = 54;

/// Address families as the protocol numbers them, whatever the operating system does.
enum class position_domain : int { any = -1, inet = 2, inet6 = 10 };

/// What a client asks.
struct position_query {
  std::string name;  ///< as asked, at most 512 bytes
  /// The family that is asked for.
  position_domain domain = position_domain::any;
  socket_address peer;  ///< who asks
  ip_address local;     ///< the address of ours on which the query arrived
};

/// A service and where it is.
struct position_entry {
  /// As the client will ask for it.
  std::string name;
  socket_address address;  ///< port 1..65535
  bool secure = false;     ///< TLS required
};

/// Counters since the start; each only grows.
struct position_server_stats {
  std::uint64_t queries = 0;       ///< well-formed, answered or not
  std::uint64_t answered = 0;      ///< with an address
  std::uint64_t unknown = 0;       ///< with {}
  std::uint64_t malformed = 0;     ///< dropped
  std::uint64_t rate_limited = 0;  ///< dropped: the source asks too often
  std::uint64_t overloaded = 0;    ///< dropped: too many queries await the callback's answer
};

/// Limits, so that nobody is answered too much.
struct position_server_options {
  std::uint32_t answers_per_second = 100;  ///< to one IPv4 address or IPv6 /64; 0: no limit
  std::uint32_t burst = 200;               ///< at once, after a pause; 1 or more
  bool limit_loopback = false;             ///< sources on this machine, which can't be forged
  std::size_t max_pending = 1024;          ///< queries whose answer the callback still owes
};

/// Answers queries. The callback runs on a thread that the runtime has for this beside its loops.
class VSOA_API position_server {
 public:
  /// Called at most once per query, from any thread, also after the server is gone, or never (then
  /// no answer is sent, but the query is pending for as long as a copy of the function lives).
  /// Nothing: the name is unknown, {} is answered; so too for an address of another family than was
  /// asked for, and for an entry that can't be sent: port 0, or more than 1023 bytes of answer. An
  /// entry without a name is answered with the name as asked.
  using answer = std::function<void(std::optional<position_entry>)>;
  /// An exception that leaves it is logged, and no answer is sent.
  using query_callback = std::function<void(const position_query&, answer)>;

  /// Bound to nothing yet. `loops` outlives it.
  position_server(runtime& loops, query_callback on_query, position_server_options options = {});
  ~position_server();
  position_server(const position_server&) = delete;
  position_server& operator=(const position_server&) = delete;

  /// Binds, and returns the address with the port that was chosen. Before start(); as often as
  /// there are addresses. An IPv6 address takes no IPv4. Throws std::system_error naming the
  /// address.
  socket_address listen(const socket_address& address);
  /// The same with a UDP socket that is bound already. Takes it over, also when it throws
  /// std::system_error, as it is none.
  socket_address listen(int udp);
  void start();                         ///< begins to answer. Once.
  void stop();                          ///< closes. Idempotent. Not from its callback.
  position_server_stats stats() const;  ///< any thread

 private:
  class impl;
  std::shared_ptr<impl> impl_;
};

/// A UDP socket for position_server::listen(), which the caller closes if it is not used. Throws
/// std::system_error naming the address. Any thread.
VSOA_API int bind_udp(const socket_address& address);

/// Where lookup() asks, in this order: the server set by set_position_server() (then only that
/// one); else those of VSOA_POS_SERVER, then those of /etc/vsoa.pos, each once and 64 at most. Any
/// thread.
VSOA_API void set_position_server(std::optional<socket_address> server);
VSOA_API std::vector<socket_address> position_servers();

/// How long and for what.
struct lookup_options {
  /// The family that is asked for.
  position_domain domain = position_domain::any;
  std::chrono::milliseconds timeout{2000};  ///< for each attempt
  int attempts = 2;                         ///< for each server
  /// For all servers together: one that is silent has no more than its share of what is left. 0: no
  /// bound.
  std::chrono::milliseconds total{0};
};

/// Asks position servers for a name, one after the other, and blocks until an answer or the last
/// timeout. Nothing: nobody knows it. Any thread but a loop's.
VSOA_API std::optional<position_entry> lookup(std::string_view name,
                                              const lookup_options& options = {});
/// The same, of these servers.
VSOA_API std::optional<position_entry> lookup(std::string_view name,
                                              const std::vector<socket_address>& servers,
                                              const lookup_options& options = {});
/// Without blocking: `done` is called once, on the thread that answers queries, too; not at all
/// when the loops end first. Any thread.
VSOA_API void async_lookup(runtime& loops, std::string name, std::vector<socket_address> servers,
                           lookup_options options,
                           std::function<void(std::optional<position_entry>)> done);

}  // namespace vsoa
