#include "broker/service.hpp"

#include <algorithm>
#include <stdexcept>
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

service::service(vsoa::runtime& loops, reclaimer& old, const config::service_settings& settings,
                 vsoa_service id, vsoa::log_sink log)
    : loops_(loops),
      old_(old),
      settings_(std::make_shared<const config::service_settings>(settings)),
      id_(id),
      log_(std::move(log)),
      server_(loops, server_options(settings)),
      topics_(loops, old, server_, settings.topics, kept_bytes(settings)),
      rules_(std::make_shared<rules>(settings)),
      loop_parts_(loops.size()) {
  rules_.owner()->forwarded = make_forwarder(settings, nullptr);
  for (loop_part& each : loop_parts_)
    each.interested = rules_.owner()->forwarded;
  set_callbacks();
}

void service::set_callbacks() {
  server_.check_access(
      [this](std::string_view role, vsoa::server::access what, std::string_view url) {
        return rules_.read().access.allow(role, what, url);
      });
  server_.set_access_checked(!settings_->access.empty());
  server_.on_client([this](vsoa::client_id c, bool connected) { on_client(c, connected); });
  server_.route_datagrams([this](std::string_view url) { return route_datagram(url); });
  server_.on_datagram([this](vsoa::client_id c, std::string_view url, vsoa::payload_view payload,
                             vsoa::channel via) {
    const rules& now = rules_.read();
    topics_.datagram(url, payload, via);
    now.forwarded->datagram(url, payload, via);
    for (const auto& p : now.datagram_listeners)
      p->datagram(id_, c, url, payload, via);
  });
  server_.on_subscribe([this](vsoa::client_id c, std::span<const std::string_view> urls) {
    topics_.subscribed(c, urls);
    for (const auto& p : rules_.read().subscription_listeners)
      p->subscription(id_, c, urls, true);
  });
  server_.on_unsubscribe([this](vsoa::client_id c, std::span<const std::string_view> urls) {
    for (const auto& p : rules_.read().subscription_listeners)
      p->subscription(id_, c, urls, false);
  });
  server_.on_interest([this](std::string_view pattern, bool wanted) {
    loop_parts_[loops_.here()].interested->interest_changed(pattern, wanted);
  });
  server_.on_unserved([this](vsoa::call& c) { return topics_.serve(c); });
}

// The server goes first: its callbacks use all the rest.
service::~service() {
  stop();
}

std::shared_ptr<forwarder> service::make_forwarder(const config::service_settings& settings,
                                                   const forwarder* before) {
  return std::make_shared<forwarder>(
      loops_, server_, settings,
      [this](std::size_t from, std::string_view url, vsoa::payload_view payload,
             vsoa::channel via) {
        rules_.read().forwarded->arrived(from, url, payload, via,
                                         [this](std::string_view ours, vsoa::payload_view p,
                                                vsoa::channel v) { topics_.publish(ours, p, v); });
      },
      log_, before);
}

upstream_link::vetting service::vetting(own_services& all) const {
  return [name = settings_->name, &all](const std::string& url, const vsoa::server_info& server) {
    return all.objection(name, url, server.address, server.local);
  };
}

void service::forward(const vsoa::name_resolver& resolver, own_services& all) {
  rules_.owner()->forwarded->start(resolver, vetting(all));
}

void service::stop() {
  server_.stop();
  rules_.owner()->forwarded->stop();
  for (const auto& each : std::exchange(replaced_, {}))
    each->stop();
}

vsoa::server::datagram_route service::route_datagram(std::string_view url) {
  using to = vsoa::server::datagram_route;
  if (topics_.relays(url) != topics::relaying::plain) return to::tell;
  const rules& now = rules_.read();
  return now.datagram_listeners.empty() && !now.forwarded->takes(url) ? to::relay : to::both;
}

vsoa::socket_address service::listen(const vsoa::socket_address& wanted,
                                     vsoa::bound_sockets sockets) {
  listeners_.push_back({wanted, server_.listen(sockets)});
  return listeners_.back().bound;
}

std::vector<vsoa::socket_address> service::listening() const {
  std::vector<vsoa::socket_address> all;
  for (const listener& each : listeners_)
    all.push_back(each.wanted);
  return all;
}

std::optional<vsoa::socket_address> service::close_listener(const vsoa::socket_address& wanted) {
  const auto found = std::find_if(listeners_.begin(), listeners_.end(),
                                  [&](const listener& l) { return l.wanted == wanted; });
  if (found == listeners_.end()) return {};
  const vsoa::socket_address bound = found->bound;
  server_.close_listener(bound);
  listeners_.erase(found);
  return bound;
}

bool service::reload_certificates() {
  const bool upstream = rules_.owner()->forwarded->reload_certificates();
  if (!settings_->tls) return upstream;
  const std::string who = "service \"" + settings_->name + "\": ";
  try {
    server_.set_tls(*settings_->tls);
  } catch (const vsoa::tls_error& e) {
    log_(vsoa::log_level::error, who + e.what() + "; the certificates of before stay in use");
    return false;
  }
  log_(vsoa::log_level::info, who + "certificates read again, for new connections");
  return upstream;
}

void service::on_client(vsoa::client_id client, bool connected) {
  if (connected) give_priority(client);
  for (const auto& p : rules_.read().client_listeners)
    p->client(id_, client, connected);
}

void service::give_priority(vsoa::client_id client) {
  const auto& levels = rules_.read().priority;
  if (levels.empty()) return;
  const auto info = server_.client(client);
  if (!info) return;
  const auto rule = std::find_if(levels.begin(), levels.end(),
                                 [&](const auto& r) { return r.role == info->role; });
  if (rule != levels.end()) server_.set_priority(client, rule->level);
}

std::vector<std::string> service::connect(const plugin_host& plugins) {
  const auto outlines = plugins.outlines();
  resolution all = resolve(*settings_, outlines, plugins.settings());
  for (const auto& line : all.complaints)
    log_(vsoa::log_level::warning, line);
  auto next = std::make_shared<rules>(*settings_);
  next->forwarded = rules_.owner()->forwarded;
  std::vector<vsoa::server::command_entry> commands = next->forwarded->commands();
  for (route& each : all.routes) {
    const std::shared_ptr<plugin> p = plugins.find(each.plugin);
    if (p == nullptr) continue;
    const auto r = std::make_shared<const route>(std::move(each));
    commands.push_back(
        {r->url, [p, r, id = id_](vsoa::call& c) { p->command(id, *r, c); }, p->queue_for(*r)});
  }
  for (const auto& name : all.plugins) {
    const std::shared_ptr<plugin> p = plugins.find(name);
    if (p == nullptr || !p->is_running()) continue;
    if (p->wants_clients()) next->client_listeners.push_back(p);
    if (p->wants_datagrams()) next->datagram_listeners.push_back(p);
    if (p->wants_subscriptions()) next->subscription_listeners.push_back(p);
  }
  // First what is forbidden, then what is new.
  const bool has_rules = !next->access.empty();
  rules_.replace(std::move(next), old_);
  server_.set_access_checked(has_rules);
  server_.set_commands(std::move(commands));
  if (std::exchange(access_changed_, false)) server_.access_changed();
  return std::move(all.complaints);
}

// --- another configuration ---

service::change::~change() {
  if (forwarded_ != nullptr && forwarded_ != before_) forwarded_->stop(before_.get());
}

std::unique_ptr<service::change> service::prepare(const config::service_settings& wanted) {
  const auto& before = rules_.owner()->forwarded;
  const bool is_same = before->is_for(wanted);
  auto prepared = std::make_unique<change>();
  prepared->settings_ = std::make_shared<const config::service_settings>(wanted);
  prepared->before_ = before;
  prepared->forwarded_ = is_same ? before : make_forwarder(wanted, before.get());
  return prepared;
}

void service::forward(change& prepared, const vsoa::name_resolver& resolver, own_services& all) {
  prepared.forwarded_->start(resolver, vetting(all));
}

void service::apply(std::unique_ptr<change> prepared) {
  const auto before = std::exchange(settings_, std::move(prepared->settings_));
  server_.set_info(settings_->info_json);
  server_.set_limits(settings_->limits);
  if (settings_->keepalive != before->keepalive) server_.set_keepalive(settings_->keepalive);
  // Who has been let in by a password that is none any more must not stay.
  server_.set_credentials(settings_->credentials, true);
  topics_.change(settings_->topics, kept_bytes(*settings_));
  access_changed_ |= settings_->access != before->access;
  const auto forwarded = std::exchange(prepared->forwarded_, nullptr);
  if (const auto old = rules_.owner()->forwarded; old != forwarded) {
    auto next = std::make_shared<rules>(*rules_.owner());
    next->forwarded = forwarded;
    rules_.replace(std::move(next), old_);
    move_interest(forwarded);
    replaced_.push_back(old);
  }
  change_priorities(before->priority);
}

// On each loop, between two packets: there and then nothing else changes what is wanted there.
void service::move_interest(const std::shared_ptr<forwarder>& to) {
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    loops_.post(i, [this, i, to] {
      const auto from = std::exchange(loop_parts_[i].interested, to);
      // First what is wanted, then what is not: what both want is not given up in between.
      server_.for_each_interest([&](std::string_view url) { to->interest_changed(url, true); });
      server_.for_each_interest([&](std::string_view url) { from->interest_changed(url, false); });
    });
  }
}

// What plugins have given a client stays, unless the configuration has another word for its role.
void service::change_priorities(const std::vector<config::role_priority>& before) {
  const auto level = [](const std::vector<config::role_priority>& all, const std::string& role) {
    const auto rule =
        std::find_if(all.begin(), all.end(), [&](const auto& r) { return r.role == role; });
    return rule == all.end() ? std::uint8_t{0} : rule->level;
  };
  const auto& now = settings_->priority;
  if (before.empty() && now.empty()) return;
  for (const vsoa::client_info& client : server_.clients()) {
    const std::uint8_t wanted = level(now, client.role);
    if (wanted != level(before, client.role)) server_.set_priority(client.id, wanted);
  }
}

bool service::retire(bool now) {
  const forwarder* const present = rules_.owner()->forwarded.get();
  std::erase_if(replaced_, [&](const std::shared_ptr<forwarder>& each) {
    if (!now && !each->is_idle(present)) return false;
    each->stop(present);
    old_.retire(each);
    return true;
  });
  return replaced_.empty();
}

// --- what it tells ---

directory_service service::entry() const {
  return {settings_->name, server_.addresses(), settings_->advertise, settings_->tls.has_value()};
}

std::vector<std::pair<std::string_view, std::uint64_t>> service::counters() const {
  const vsoa::server_stats s = server_.stats();
  const topic_stats t = topics_.stats();
  return {
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
}

std::vector<std::string> service::summary() const {
  std::string line = "service \"" + settings_->name + "\":";
  for (const auto& [name, value] : counters())
    line += ' ' + std::string(name) + '=' + std::to_string(value);
  std::vector<std::string> lines = rules_.owner()->forwarded->summary();
  lines.insert(lines.begin(), std::move(line));
  return lines;
}

}  // namespace vsoad
