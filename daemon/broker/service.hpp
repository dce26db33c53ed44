// One service of the configuration: a server, the routes from its URLs to plugins and to upstream
// servers, and its topics.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/access.hpp"
#include "broker/directory.hpp"
#include "broker/forwarder.hpp"
#include "broker/own_services.hpp"
#include "broker/topics.hpp"
#include "config/config.hpp"
#include "plugin_host/plugin_host.hpp"
#include "vsoa/log.hpp"
#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"

namespace vsoad {

/// Used in this order: listen(), forward(), connect() once the plugins run, start(). Not
/// thread-safe itself; its server's callbacks run on the loops.
class service {
 public:
  service(vsoa::runtime& loops, const config::service_settings& settings, vsoa_service id,
          vsoa::log_sink log);
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  vsoa_service id() const noexcept { return id_; }
  const config::service_settings& settings() const noexcept { return settings_; }
  vsoa::server& server() noexcept { return server_; }
  /// How plugins publish in it.
  bool publish(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
    return topics_.publish(url, payload, via);
  }

  /// Whence the sockets of an address come; throws std::system_error naming it.
  using socket_source = std::function<vsoa::bound_sockets(const vsoa::socket_address&)>;
  /// Listens on all addresses of the configuration. Throws what `sockets` throws.
  void listen(const socket_source& sockets);
  /// Says which plugins it will use, so that they are started.
  void enable(plugin_host& plugins);
  /// Gives URLs to the plugins that run and says what can't be served.
  void connect(plugin_host& plugins);
  /// Connects to the upstream servers, once the loops run. Throws std::runtime_error if their files
  /// of TLS can't be used: it reads them now, as those of the service itself have been read.
  /// @param resolver  finds the upstream servers that have a name
  /// @param all       outlives this object's stop()
  void forward(const vsoa::name_resolver& resolver, own_services& all);
  void start() { server_.start(); }
  /// Ends the server, and then what it has upstream. Idempotent. Not on a loop's thread.
  void stop();
  /// Reads the certificates of TLS again, its own and those for upstream, for new connections.
  /// False, and said in the log: they are not fit for use, and those of before stay. Any thread.
  bool reload_certificates();

  /// How clients reach it: for the position server.
  directory_service entry() const;
  /// Lines of counters, for the log: of the service, and of each upstream server.
  std::vector<std::string> summary() const;

 private:
  void on_client(vsoa::client_id client, bool connected);
  void give_priority(vsoa::client_id client);
  vsoa::server::datagram_route route_datagram(std::string_view url);

  const config::service_settings settings_;
  const vsoa_service id_;
  const vsoa::log_sink log_;
  vsoa::server server_;
  const access_rules access_;
  topics topics_;
  forwarder forwarder_;
  std::deque<route> routes_;  // addresses stay: handlers refer to them
  // What wants to hear of clients, datagrams and subscriptions; fixed by connect().
  std::vector<plugin*> client_listeners_;
  std::vector<plugin*> datagram_listeners_;
  std::vector<plugin*> subscription_listeners_;
};

}  // namespace vsoad
