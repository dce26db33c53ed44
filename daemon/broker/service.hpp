// One service of the configuration: a server, the routes from its URLs to plugins and to upstream
// servers, and its topics.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/access.hpp"
#include "broker/directory.hpp"
#include "broker/forwarder.hpp"
#include "broker/own_services.hpp"
#include "broker/topics.hpp"
#include "config/config.hpp"
#include "plugin_host/plugin_host.hpp"
#include "plugin_host/reclaimer.hpp"
#include "vsoa/log.hpp"
#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"

namespace vsoad {

/// Used in this order: listen(), forward(), connect() once the plugins run, start(). Then connect()
/// again whenever the plugins have changed, and prepare() and apply() for another configuration.
/// All by one thread, which is no loop's; its server's callbacks run on the loops.
class service {
 public:
  service(vsoa::runtime& loops, reclaimer& old, const config::service_settings& settings,
          vsoa_service id, vsoa::log_sink log);
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  vsoa_service id() const noexcept { return id_; }
  const config::service_settings& settings() const noexcept { return *settings_; }
  vsoa::server& server() noexcept { return server_; }
  const vsoa::server& server() const noexcept { return server_; }
  const topics& topic_values() const noexcept { return topics_; }
  const forwarder& upstreams() const noexcept { return *rules_.owner()->forwarded; }
  /// How plugins publish in it. Any thread that reads under the reclaimer.
  bool publish(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
    return topics_.publish(url, payload, via);
  }

  /// Listens on sockets that are bound already, which it takes over. `wanted` is what the
  /// configuration calls them. Throws std::system_error.
  /// @return the bound address
  vsoa::socket_address listen(const vsoa::socket_address& wanted, vsoa::bound_sockets sockets);
  /// Accepts no more there; clients stay. Nothing: it did not; else the bound address.
  std::optional<vsoa::socket_address> close_listener(const vsoa::socket_address& wanted);
  /// What the configuration calls the addresses that it listens on.
  std::vector<vsoa::socket_address> listening() const;
  /// Gives URLs to the plugins that run.
  /// @return what can't be served and why, which is logged, too
  std::vector<std::string> connect(const plugin_host& plugins);
  /// Connects to the upstream servers, once the loops run. Throws std::runtime_error if their files
  /// of TLS can't be used: it reads them now, as those of the service itself have been read.
  /// @param resolver  finds the upstream servers that have a name
  /// @param all       outlives this object's stop()
  void forward(const vsoa::name_resolver& resolver, own_services& all);
  void start() { server_.start(); }
  /// Ends the server, and then what it has upstream. Idempotent.
  void stop();

  /// What another configuration needs, ready to be used. Dropped, it leaves no trace.
  class change {
   public:
    change() = default;
    ~change();
    change(const change&) = delete;
    change& operator=(const change&) = delete;

   private:
    friend class service;
    std::shared_ptr<const config::service_settings> settings_;
    std::shared_ptr<forwarder> forwarded_;  // null once it is in use
    std::shared_ptr<forwarder> before_;
  };
  /// @pre same name, and with TLS as before or without as before
  std::unique_ptr<change> prepare(const config::service_settings& wanted);
  /// The same for the upstream servers that are new by it.
  void forward(change& prepared, const vsoa::name_resolver& resolver, own_services& all);
  /// Uses it; connect() must follow. Addresses are the caller's to change.
  /// Clients whose role no credential gives any more are closed.
  void apply(std::unique_ptr<change> prepared);
  bool is_retiring() const noexcept { return !replaced_.empty(); }
  /// Whether what was replaced has ended: then true, else to be asked again.
  /// @param now  calls under way to servers that are no longer forwarded to are given up
  bool retire(bool now);

  /// Reads the certificates of TLS again, its own and those for upstream, for new connections.
  /// False, and said in the log: they are not fit for use, and those of before stay.
  bool reload_certificates();

  /// What has been counted since the start, by name. Any thread.
  std::vector<std::pair<std::string_view, std::uint64_t>> counters() const;

  /// How clients reach it: for the position server.
  directory_service entry() const;
  /// Lines of counters, for the log: of the service, and of each upstream server.
  std::vector<std::string> summary() const;

 private:
  // What callbacks read; made anew with each change.
  struct rules {
    explicit rules(const config::service_settings& s) : access(s.access), priority(s.priority) {}

    access_rules access;
    std::vector<config::role_priority> priority;
    std::shared_ptr<forwarder> forwarded;
    // What wants to hear of clients, datagrams and subscriptions.
    std::vector<std::shared_ptr<plugin>> client_listeners;
    std::vector<std::shared_ptr<plugin>> datagram_listeners;
    std::vector<std::shared_ptr<plugin>> subscription_listeners;
  };

  void set_callbacks();
  std::shared_ptr<forwarder> make_forwarder(const config::service_settings& settings,
                                            const forwarder* before);
  upstream_link::vetting vetting(own_services& all) const;
  void on_client(vsoa::client_id client, bool connected);
  void give_priority(vsoa::client_id client);
  vsoa::server::datagram_route route_datagram(std::string_view url);
  void move_interest(const std::shared_ptr<forwarder>& to);
  void change_priorities(const std::vector<config::role_priority>& before);

  vsoa::runtime& loops_;
  reclaimer& old_;
  std::shared_ptr<const config::service_settings> settings_;
  const vsoa_service id_;
  const vsoa::log_sink log_;
  vsoa::server server_;
  topics topics_;
  published<rules> rules_;
  bool access_changed_ = false;  // since connect() has made rules_
  // Which forwarder a loop tells of what its subscribers want: that changes on the loop itself.
  struct alignas(64) loop_part {
    std::shared_ptr<forwarder> interested;
  };
  std::vector<loop_part> loop_parts_;
  struct listener {
    vsoa::socket_address wanted, bound;
  };
  std::vector<listener> listeners_;
  std::vector<std::shared_ptr<forwarder>> replaced_;  // their calls may be under way
};

}  // namespace vsoad
