// A server and a plugin host, put together as the daemon does it, and clients for them.
#pragma once

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "peer.hpp"
#include "plugin_host/environment.hpp"
#include "plugin_host/plugin_host.hpp"
#include "plugin_host/plugin_update.hpp"
#include "plugin_host/reclaimer.hpp"
#include "plugin_host/server_port.hpp"
#include "scratch.hpp"
#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"
#include "wait.hpp"
#include "wire.hpp"

namespace vsoa_test {

/// Whether all plugins are to run in processes of their own: the environment says so.
inline const bool is_isolated = std::getenv("VSOA_TEST_ISOLATED") != nullptr;

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
    if (is_isolated) isolate_all();
    loops.start();
    port = server.listen(*vsoa::socket_address::parse("127.0.0.1:0")).port;
    host = std::make_unique<vsoad::plugin_host>(loops, old, queues, stall_warning, log.sink());
#ifdef VSOAD_PLUGIN_PROGRAM
    host->set_child_program(VSOAD_PLUGIN_PROGRAM);
#endif
    host->set_services({{1, service.name, std::make_shared<vsoad::server_port>(server)}});
    set_callbacks();
    update();
    server.start();
  }
  /// Looks through `dir` again, as the daemon does when something has changed there.
  /// @return what is different then
  std::vector<std::string> update(
      const std::function<bool(const std::string&)>& is_unfinished = {}) {
    const vsoad::service_wishes wishes[] = {{1, &service}};
    auto all = host->prepare(settings, wishes, is_unfinished);
    const auto changes = all->changes();
    host->apply(std::move(all));
    serve();
    (void)loops.quiesce(patience);  // they have the new routes now
    return changes;
  }
  /// Waits until those replaced have ended.
  bool retire() {
    return wait_until([this] {
      const bool is_done = host->retire();
      return old.collect(patience) && is_done;
    });
  }

  tcp_peer connect() {
    tcp_peer peer({"127.0.0.1", port});
    peer.handshake();
    return peer;
  }

  /// A plugin's counter or gauge has that value, or gets it: those of a process come later.
  bool has_metric(const std::string& name, double value) const {
    return wait_until([&] { return metric(name) == value; });
  }
  /// The log has so many lines with the text, or gets them.
  bool is_logged(std::string_view text, std::size_t times = 1,
                 vsoa::log_level least = vsoa::log_level::trace) const {
    return wait_until([&] { return log.count(text, least) == times; });
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
  vsoad::reclaimer old{loops};
  vsoa::server server;
  std::unique_ptr<vsoad::plugin_host> host;
  vsoad::resolution routes;
  std::uint16_t port = 0;
  std::atomic<bool> hears_clients{true};  ///< false: plugins are not told who comes and goes

 private:
  /// Every plugin in a process of its own, with the same tests.
  void isolate_all() {
    for (const auto& file : std::filesystem::directory_iterator(dir.path())) {
      if (file.path().extension() != ".so") continue;
      settings.settings[file.path().stem().string()].isolation.is_process = true;
    }
  }
  using plugins = std::vector<std::shared_ptr<vsoad::plugin>>;

  void serve() {
    vsoad::resolution now = vsoad::resolve(service, host->outlines(), settings);
    std::vector<vsoa::server::command_entry> entries;
    for (const auto& each : now.routes) {
      const auto plugin = host->find(each.plugin);
      const auto route = std::make_shared<const vsoad::route>(each);
      entries.push_back({each.url,
                         [plugin, route](vsoa::call& c) { plugin->command(1, *route, c); },
                         plugin->queue_for(each)});
    }
    auto listeners = std::make_shared<plugins>();
    for (const auto& name : now.plugins)
      listeners->push_back(host->find(name));
    listeners_.replace(std::move(listeners), old);
    server.set_commands(std::move(entries));
    routes = std::move(now);
  }
  void set_callbacks() {
    server.on_client([this](vsoa::client_id id, bool connected) {
      if (!hears_clients) return;
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
    for (const auto& one : listeners_.read())
      action(*one);
  }

  vsoad::published<plugins> listeners_{std::make_shared<plugins>()};
};

}  // namespace vsoa_test
