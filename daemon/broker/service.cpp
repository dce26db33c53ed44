#include "broker/service.hpp"

#include <algorithm>
#include <utility>

namespace vsoad {
namespace {

vsoa::server_options server_options(const config::service_settings& s) {
  vsoa::server_options options;
  options.info = s.info_json;
  options.credentials = s.credentials;
  options.limits = s.limits;
  options.keepalive = s.keepalive;
  options.tls = s.tls;
  return options;
}

// A new subscriber gets all that is retained at once: it must fit its outbox.
std::size_t kept_bytes(const config::service_settings& s) {
  return s.limits.outbox / 2;
}

}  // namespace

service::service(vsoa::runtime& loops, const config::service_settings& settings, vsoa_service id,
                 vsoa::log_sink log)
    : settings_(settings),
      id_(id),
      log_(std::move(log)),
      server_(loops, server_options(settings)),
      access_(settings.access),
      topics_(loops, server_, settings.topics, kept_bytes(settings)),
      forwarder_(
          loops, server_, settings,
          [this](std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
            topics_.publish(url, payload, via);
          },
          log_) {
  if (!access_.empty()) {
    server_.check_access([this](std::string_view role, vsoa::server::access what,
                                std::string_view url) { return access_.allow(role, what, url); });
  }
  server_.on_client([this](vsoa::client_id c, bool connected) { on_client(c, connected); });
  server_.route_datagrams([this](std::string_view url) { return route_datagram(url); });
  server_.on_datagram([this](vsoa::client_id c, std::string_view url, vsoa::payload_view payload,
                             vsoa::channel via) {
    topics_.datagram(url, payload, via);
    forwarder_.datagram(url, payload, via);
    for (plugin* p : datagram_listeners_)
      p->datagram(id_, c, url, payload, via);
  });
  server_.on_subscribe([this](vsoa::client_id c, std::span<const std::string_view> urls) {
    topics_.subscribed(c, urls);
    for (plugin* p : subscription_listeners_)
      p->subscription(id_, c, urls, true);
  });
  server_.on_unsubscribe([this](vsoa::client_id c, std::span<const std::string_view> urls) {
    for (plugin* p : subscription_listeners_)
      p->subscription(id_, c, urls, false);
  });
  server_.on_interest([this](std::string_view pattern, bool wanted) {
    forwarder_.interest_changed(pattern, wanted);
  });
  server_.on_unserved([this](vsoa::call& c) { return topics_.serve(c); });
}

// The server goes first: its callbacks use all the rest.
service::~service() {
  stop();
}

void service::forward(const vsoa::name_resolver& resolver, own_services& all) {
  forwarder_.start(
      resolver, [index = id_ - 1, &all](const std::string& url, const vsoa::server_info& server) {
        return all.objection(index, url, server.address, server.local);
      });
}

void service::stop() {
  server_.stop();
  forwarder_.stop();
}

vsoa::server::datagram_route service::route_datagram(std::string_view url) {
  using to = vsoa::server::datagram_route;
  if (topics_.relays(url) != topics::relaying::plain) return to::tell;
  return datagram_listeners_.empty() && !forwarder_.takes(url) ? to::relay : to::both;
}

void service::listen(const socket_source& sockets) {
  for (const auto& address : settings_.listen)
    server_.listen(sockets(address));
}

bool service::reload_certificates() {
  const bool upstream = forwarder_.reload_certificates();
  if (!settings_.tls) return upstream;
  const std::string who = "service \"" + settings_.name + "\": ";
  try {
    server_.set_tls(*settings_.tls);
  } catch (const vsoa::tls_error& e) {
    log_(vsoa::log_level::error, who + e.what() + "; the certificates of before stay in use");
    return false;
  }
  log_(vsoa::log_level::info, who + "certificates read again, for new connections");
  return upstream;
}

void service::on_client(vsoa::client_id client, bool connected) {
  if (connected) give_priority(client);
  for (plugin* p : client_listeners_)
    p->client(id_, client, connected);
}

void service::give_priority(vsoa::client_id client) {
  if (settings_.priority.empty()) return;
  const auto info = server_.client(client);
  if (!info) return;
  const auto rule = std::find_if(settings_.priority.begin(), settings_.priority.end(),
                                 [&](const auto& r) { return r.role == info->role; });
  if (rule != settings_.priority.end()) server_.set_priority(client, rule->level);
}

void service::enable(plugin_host& plugins) {
  const auto outlines = plugins.outlines();
  const resolution all = resolve(settings_, outlines, plugins.settings());
  for (const auto& name : all.plugins) {
    if (plugin* p = plugins.find(name)) plugins.enable(*p, id_);
  }
  for (const auto& name : all.not_configured) {
    log_(vsoa::log_level::info, "service \"" + settings_.name + "\": plugin \"" + name +
                                    "\" needs settings (plugins.settings." + name +
                                    ".config) and has none: not served");
  }
}

void service::connect(plugin_host& plugins) {
  const auto outlines = plugins.outlines();
  resolution all = resolve(settings_, outlines, plugins.settings());
  for (const auto& line : all.complaints)
    log_(vsoa::log_level::warning, line);
  std::vector<vsoa::server::command_entry> commands = forwarder_.commands();
  for (route& each : all.routes) {
    plugin* p = plugins.find(each.plugin);
    if (p == nullptr) continue;
    const route& r = routes_.emplace_back(std::move(each));
    commands.push_back(
        {r.url, [p, &r, id = id_](vsoa::call& c) { p->command(id, r, c); }, p->queue_for(r)});
  }
  server_.set_commands(std::move(commands));
  for (const auto& name : all.plugins) {
    plugin* p = plugins.find(name);
    if (p == nullptr || !p->is_running()) continue;
    if (p->wants_clients()) client_listeners_.push_back(p);
    if (p->wants_datagrams()) datagram_listeners_.push_back(p);
    if (p->wants_subscriptions()) subscription_listeners_.push_back(p);
  }
}

directory_service service::entry() const {
  return {settings_.name, server_.addresses(), settings_.advertise, settings_.tls.has_value()};
}

std::vector<std::string> service::summary() const {
  const vsoa::server_stats s = server_.stats();
  const topic_stats t = topics_.stats();
  const std::pair<const char*, std::uint64_t> fields[] = {
      {"accepted", s.accepted},
      {"refused", s.refused},
      {"handshakes", s.handshakes},
      {"handshake_timeouts", s.handshake_timeouts},
      {"tls_failed", s.tls_failed},
      {"tls_handshake_timeouts", s.tls_handshake_timeouts},
      {"bad_passwords", s.bad_passwords},
      {"protocol_errors", s.protocol_errors},
      {"slow_closed", s.slow_closed},
      {"partial_timeouts", s.partial_timeouts},
      {"calls", s.calls},
      {"calls_refused", s.calls_refused},
      {"denied", s.denied},
      {"publishes", s.publishes},
      {"deliveries", s.deliveries},
      {"dropped", s.dropped},
      {"datagrams_in", s.datagrams_in},
      {"quick_rejected", s.quick_rejected},
      {"relayed", s.relayed + t.relayed},
      {"thinned", t.thinned},
      {"not_retained", t.not_retained},
      {"streams", s.streams_opened},
      {"streams_refused", s.streams_refused},
      {"stream_timeouts", s.stream_timeouts},
      {"stream_strangers", s.stream_strangers},
      {"stream_received_bytes", s.stream_received_bytes},
      {"stream_sent_bytes", s.stream_sent_bytes},
      {"received_bytes", s.received_bytes},
      {"sent_bytes", s.sent_bytes},
  };
  std::string line = "service \"" + settings_.name + "\":";
  for (const auto& [name, value] : fields) {
    line += std::string(" ") + name + "=" + std::to_string(value);
  }
  std::vector<std::string> lines = forwarder_.summary();
  lines.insert(lines.begin(), std::move(line));
  return lines;
}

}  // namespace vsoad
