#include "plugin_host/server_port.hpp"

#include <utility>

namespace vsoad {

server_port::server_port(vsoa::server& server, publisher publish)
    : server_(server), publish_(std::move(publish)) {}

bool server_port::publish(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
  return publish_ ? publish_(url, payload, via) : server_.publish(url, payload, via);
}

service_port::outcome server_port::datagram(vsoa::client_id client, std::string_view url,
                                            vsoa::payload_view payload, vsoa::channel via) {
  if (server_.datagram(client, url, payload, via)) return outcome::ok;
  const auto who = server_.client(client);
  // A client without a quick channel is not there for a quick datagram.
  if (!who || (via == vsoa::channel::quick && who->quick_port == 0)) return outcome::no_client;
  return outcome::full;
}

bool server_port::is_subscribed(std::string_view url) {
  return server_.is_subscribed(url);
}

std::vector<vsoa::client_id> server_port::clients() {
  std::vector<vsoa::client_id> list;
  for (const auto& each : server_.clients())
    list.push_back(each.id);
  return list;
}

std::optional<vsoa::client_info> server_port::client(vsoa::client_id client) {
  return server_.client(client);
}

std::optional<std::vector<std::byte>> server_port::certificate(vsoa::client_id client) {
  if (!server_.client(client)) return {};
  auto shown = server_.peer_certificate(client);
  if (!shown) return std::vector<std::byte>();
  return std::vector<std::byte>(shown->der.begin(), shown->der.end());
}

std::optional<bool> server_port::is_subscribed(vsoa::client_id client, std::string_view url) {
  if (server_.is_subscribed(client, url)) return true;
  if (!server_.client(client)) return {};
  return false;
}

bool server_port::set_authed(vsoa::client_id client, bool authed) {
  return server_.set_authed(client, authed);
}

bool server_port::set_priority(vsoa::client_id client, std::uint8_t priority) {
  return server_.set_priority(client, priority);
}

bool server_port::set_keepalive(vsoa::client_id client, std::chrono::seconds idle) {
  return server_.set_keepalive(client, idle);
}

bool server_port::set_send_timeout(vsoa::client_id client, std::chrono::milliseconds timeout) {
  return server_.set_send_timeout(client, timeout);
}

bool server_port::close(vsoa::client_id client) {
  return server_.close(client);
}

vsoa::stream_offer server_port::create_stream(vsoa::client_id client,
                                              vsoa::stream_callbacks callbacks,
                                              const vsoa::stream_options& options) {
  return server_.create_stream(client, std::move(callbacks), options);
}

vsoa::stream_offer server_port::hand_over_stream(vsoa::client_id client, vsoa::stream_taker taker,
                                                 const vsoa::stream_options& options) {
  return server_.hand_over_stream(client, std::move(taker), options);
}

}  // namespace vsoad
