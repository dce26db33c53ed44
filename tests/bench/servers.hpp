// Starts what is measured: a raw peer, vsoad, or a server that somebody else has started.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "process.hpp"
#include "sockets.hpp"

namespace bench {

/// What a scenario asks of its server.
enum class workload {
  echo,
  fanout,
  quick,
  connect,     ///< the handshake of VSOA
  pace,        ///< publishes at a fixed rate
  idle,        ///< nothing: connections that stay
  crowd,       ///< subscriptions are told apart by their URLs
  tls,         ///< echo, or connections that stay, over TLS
  stream,      ///< of bytes, beside the packets
  relay,       ///< streams, by a vsoad in front of another, or a raw relay in front of a raw peer
  tls_stream,  ///< streams, over TLS
  forward,     ///< echo, by a vsoad in front of another; of raw peers, their own
  isolated,    ///< echo, by a plugin in a process of its own
  stalled,     ///< subscribers that don't read lose publishes, and nobody else does
};

/// What its side of a connection understands. A raw peer gives back the bytes of VSOA.
enum class protocol { vsoa, raw, resp, nats, mqtt };

/// Whether it is done over TLS.
constexpr bool is_secure(workload work) {
  return work == workload::tls || work == workload::tls_stream;
}

/// A server under test; stopped when it goes.
struct server {
  address at;
  pid_t pid = 0;  ///< 0: not ours, nothing is known of its CPU time and memory
  protocol speaks = protocol::vsoa;
  bool secure = false;  ///< over TLS
  std::shared_ptr<void> files;
  child_process process;
};

/// One column of the table.
struct side {
  std::string name;
  std::function<server(workload)> start;
  std::function<bool(workload)> serves;
};

/// A raw peer, forked and pinned to one core.
side raw_side(const std::string& name, int core);

struct daemon_options {
  std::filesystem::path program;
  std::filesystem::path plugins;  ///< folder that holds echo.so
  unsigned loops = 1;
  std::vector<int> cores;
  std::string echo_url;
  std::string topic_url;
};
/// A vsoad with a configuration of its own in a temporary folder, on a free port of loopback.
side daemon_side(const std::string& name, const daemon_options& options);

/// A VSOA server that runs already; it is asked for RPC only.
/// @param pid  its process, 0 when unknown
side running_side(const std::string& name, const address& at, pid_t pid);

}  // namespace bench
