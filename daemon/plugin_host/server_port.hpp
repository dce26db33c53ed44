// A service of this process, for its plugins.
#pragma once

#include "plugin_host/service_port.hpp"

namespace vsoad {

class server_port final : public service_port {
 public:
  /// @param server   outlives this object
  /// @param publish  by default straight through the server
  explicit server_port(vsoa::server& server, publisher publish = {});

  bool publish(std::string_view url, vsoa::payload_view payload, vsoa::channel via) override;
  outcome datagram(vsoa::client_id client, std::string_view url, vsoa::payload_view payload,
                   vsoa::channel via) override;
  bool is_subscribed(std::string_view url) override;
  std::vector<vsoa::client_id> clients() override;
  std::optional<vsoa::client_info> client(vsoa::client_id client) override;
  std::optional<std::vector<std::byte>> certificate(vsoa::client_id client) override;
  std::optional<bool> is_subscribed(vsoa::client_id client, std::string_view url) override;
  bool set_authed(vsoa::client_id client, bool authed) override;
  bool set_priority(vsoa::client_id client, std::uint8_t priority) override;
  bool set_keepalive(vsoa::client_id client, std::chrono::seconds idle) override;
  bool set_send_timeout(vsoa::client_id client, std::chrono::milliseconds timeout) override;
  bool close(vsoa::client_id client) override;
  vsoa::stream_offer create_stream(vsoa::client_id client, vsoa::stream_callbacks callbacks,
                                   const vsoa::stream_options& options) override;
  vsoa::stream_offer hand_over_stream(vsoa::client_id client, vsoa::stream_taker taker,
                                      const vsoa::stream_options& options) override;

 private:
  vsoa::server& server_;
  const publisher publish_;
};

}  // namespace vsoad
