// One service as plugins reach it: the server itself, or, in the process of an isolated plugin, the
// daemon at the other end of its channels. All functions may be called from any thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "vsoa/packet.hpp"
#include "vsoa/server.hpp"

namespace vsoad {

class service_port {
 public:
  /// What became of something for one client.
  enum class outcome { ok, no_client, full };

  virtual ~service_port() = default;

  /// As the topics of the service want it. The message is a valid one for its channel.
  /// @return false: at least one client's loop, or the way to the daemon, has no room
  virtual bool publish(std::string_view url, vsoa::payload_view payload, vsoa::channel via) = 0;
  /// Of a quick one, a client without a quick channel is no client.
  virtual outcome datagram(vsoa::client_id client, std::string_view url, vsoa::payload_view payload,
                           vsoa::channel via) = 0;
  virtual bool is_subscribed(std::string_view url) = 0;

  virtual std::vector<vsoa::client_id> clients() = 0;  ///< of higher priority first
  virtual std::optional<vsoa::client_info> client(vsoa::client_id client) = 0;
  /// DER; empty: the client has shown none. Nothing: no such client.
  virtual std::optional<std::vector<std::byte>> certificate(vsoa::client_id client) = 0;
  /// Nothing: no such client.
  virtual std::optional<bool> is_subscribed(vsoa::client_id client, std::string_view url) = 0;

  // False: no such client.
  virtual bool set_authed(vsoa::client_id client, bool authed) = 0;
  virtual bool set_priority(vsoa::client_id client, std::uint8_t priority) = 0;
  virtual bool set_keepalive(vsoa::client_id client, std::chrono::seconds idle) = 0;
  virtual bool set_send_timeout(vsoa::client_id client, std::chrono::milliseconds timeout) = 0;
  virtual bool close(vsoa::client_id client) = 0;

  /// See vsoa::server::create_stream().
  virtual vsoa::stream_offer create_stream(vsoa::client_id client, vsoa::stream_callbacks callbacks,
                                           const vsoa::stream_options& options) = 0;
  /// See vsoa::server::hand_over_stream(). For the daemon itself: elsewhere there is nothing.
  virtual vsoa::stream_offer hand_over_stream(vsoa::client_id client, vsoa::stream_taker taker,
                                              const vsoa::stream_options& options) = 0;
};

/// How plugins publish in a service: as its topics want it.
using publisher =
    std::function<bool(std::string_view url, vsoa::payload_view payload, vsoa::channel via)>;

}  // namespace vsoad
