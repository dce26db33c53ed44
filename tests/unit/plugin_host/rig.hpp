// A server and a plugin host, put together as the daemon does it, and clients for them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "peer.hpp"
#include "plugin_host/plugin_host.hpp"
#include "scratch.hpp"
#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"
#include "wait.hpp"
#include "wire.hpp"

namespace vsoa_test {

class rig {
 public:
  explicit rig(std::size_t loop_count = 2)
      : loops(vsoa::runtime_options{loop_count, {}}), server(loops, vsoa::server_options{}) {
    service.name = "cabin";
    service.all_plugins = true;
    settings.directories = {dir.path()};
    queues["slow"] = {1, 4};
  }
  ~rig() {
    if (host != nullptr) host->stop();
    server.stop();
    loops.stop();
  }
  rig(const rig&) = delete;
  rig& operator=(const rig&) = delete;

  /// After plugins have been put into `dir`, and settings and service been filled in.
  void start() {
    loops.start();
    port = server.listen(*vsoa::socket_address::parse("127.0.0.1:0")).port;
    host = std::make_unique<vsoad::plugin_host>(loops, settings, queues, stall_warning, log.sink());
    host->add_service(1, service.name, server);
    host->load();
    for (const auto& name : vsoad::resolve(service, host->outlines(), settings).plugins) {
      host->enable(*host->find(name), 1);
    }
    host->start();
    routes = vsoad::resolve(service, host->outlines(), settings);
    serve();
    server.start();
  }

  tcp_peer connect() {
    tcp_peer peer({"127.0.0.1", port});
    peer.handshake();
    return peer;
  }

  /// The value of a plugin's counter or gauge.
  double metric(const std::string& name) const {
    for (const auto& one : host->metrics()) {
      if (one.name == name) return one.is_counter ? static_cast<double>(one.count) : one.value;
    }
    return 0;
  }

  scratch dir;
  log_book log;
  vsoad::config::plugins_settings settings;
  vsoad::config::service_settings service;
  std::map<std::string, vsoad::config::work_queue_settings> queues;
  std::chrono::milliseconds stall_warning{0};
  vsoa::runtime loops;
  vsoa::server server;
  std::unique_ptr<vsoad::plugin_host> host;
  vsoad::resolution routes;
  std::uint16_t port = 0;

 private:
  void serve() {
    std::vector<vsoa::server::command_entry> entries;
    for (const auto& route : routes.routes) {
      auto* plugin = host->find(route.plugin);
      entries.push_back({route.url,
                         [plugin, &route](vsoa::call& c) { plugin->command(1, route, c); },
                         plugin->queue_for(route)});
    }
    server.set_commands(std::move(entries));
    server.on_client([this](vsoa::client_id id, bool connected) {
      each([&](vsoad::plugin& p) { p.client(1, id, connected); });
    });
    server.on_datagram([this](vsoa::client_id id, std::string_view url, vsoa::payload_view payload,
                              vsoa::channel via) {
      each([&](vsoad::plugin& p) { p.datagram(1, id, url, payload, via); });
    });
    server.on_subscribe([this](vsoa::client_id id, std::span<const std::string_view> urls) {
      each([&](vsoad::plugin& p) { p.subscription(1, id, urls, true); });
    });
    server.on_unsubscribe([this](vsoa::client_id id, std::span<const std::string_view> urls) {
      each([&](vsoad::plugin& p) { p.subscription(1, id, urls, false); });
    });
  }
  template <class Action>
  void each(Action action) {
    for (const auto& name : routes.plugins)
      action(*host->find(name));
  }
};

}  // namespace vsoa_test
