// A service of the daemon, for a plugin in a process of its own.
#pragma once

#include "plugin_host/child/daemon_link.hpp"

namespace vsoad::isolation {

class remote_port final : public service_port {
 public:
  remote_port(daemon_link& link, vsoa_service id) : link_(link), id_(id) {}

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
  vsoa::stream_offer hand_over_stream(vsoa::client_id, vsoa::stream_taker,
                                      const vsoa::stream_options&) override {
    return {};
  }

 private:
  bool change(vsoa::client_id client, change_of what, std::uint64_t value);

  daemon_link& link_;
  const vsoa_service id_;
};

}  // namespace vsoad::isolation
