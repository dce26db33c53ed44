#include "broker/forwarder.hpp"

#include <algorithm>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "vsoa/tls.hpp"

namespace vsoad {
namespace {

auto tls_key(const vsoa::tls_options& t) {
  return std::tie(t.identity.cert, t.identity.key, t.identity.key_password, t.ca, t.default_cas,
                  t.verify, t.min_version, t.host, t.handshake_timeout);
}

// Whether one connection serves both.
bool same_server(const config::forward_settings& a, const config::forward_settings& b) {
  if (a.url != b.url || a.password != b.password || a.tls.has_value() != b.tls.has_value()) {
    return false;
  }
  return !a.tls || tls_key(*a.tls) == tls_key(*b.tls);
}

}  // namespace

forwarder::forwarder(vsoa::runtime& loops, vsoa::server& server,
                     const config::service_settings& settings, upstream_link::publisher publish,
                     const vsoa::log_sink& log)
    : loops_(loops),
      publish_(std::move(publish)),
      who_("service \"" + settings.name + "\": "),
      log_([log, who = who_](vsoa::log_level level, std::string_view line) {
        if (log) log(level, who + std::string(line));
      }),
      loop_parts_(loops.size()) {
  for (const config::command_settings& c : settings.commands) {
    entry& e = entries_[c.url];
    if (c.forward.url.empty()) continue;
    e.url = forward_url(c.url, c.forward.strip_prefix);
    e.timeout = c.forward.timeout;
    e.to = &upstream_for(loops, server, settings.limits.outbox, c.forward, log_);
  }
}

forwarder::~forwarder() = default;

upstream& forwarder::upstream_for(vsoa::runtime& loops, vsoa::server& server, std::size_t outbox,
                                  const config::forward_settings& settings,
                                  const vsoa::log_sink& log) {
  for (const auto& u : upstreams_) {
    if (same_server(u->settings(), settings)) return *u;
  }
  const std::size_t number = upstreams_.size();
  upstreams_.push_back(std::make_shared<upstream>(
      loops, server, number, outbox, settings,
      [this, number](std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
        arrived(upstreams_[number].get(), url, payload, via);
      },
      log));
  return *upstreams_.back();
}

std::vector<vsoa::server::command_entry> forwarder::commands() {
  std::vector<vsoa::server::command_entry> all;
  for (const auto& [url, e] : entries_) {
    if (e.to == nullptr) continue;
    all.push_back({url, [&e = e](vsoa::call& c) {
                     e.to->here().call(c, e.url.to_upstream(c.url()), e.timeout);
                   }});
  }
  return all;
}

void forwarder::start(const vsoa::name_resolver& resolver, const upstream_link::vetting& vet) {
  for (const auto& u : upstreams_) {
    try {
      u->start(resolver, vet);
    } catch (const vsoa::tls_error& e) {
      throw std::runtime_error(who_ + "upstream " + u->settings().url + ": " + e.what());
    }
  }
}

bool forwarder::reload_certificates() {
  bool good = true;
  for (const auto& u : upstreams_) {
    if (!u->settings().tls) continue;
    const std::string who = "upstream " + u->settings().url + ": ";
    try {
      u->reload_certificates();
      log_(vsoa::log_level::info, who + "certificates read again, for new connections");
    } catch (const vsoa::tls_error& e) {
      log_(vsoa::log_level::error, who + e.what() + "; the certificates of before stay in use");
      good = false;
    }
  }
  return good;
}

void forwarder::stop() {
  for (const auto& u : upstreams_)
    u->stop();
}

const forwarder::entry* forwarder::find(std::string_view url) {
  if (upstreams_.empty()) return nullptr;
  const auto search = [this](std::string_view wanted) { return entries_.best_match(wanted).value; };
  const entry* const found = loop_parts_[loops_.here()].recent.find(url, search);
  return found == nullptr || found->to == nullptr ? nullptr : found;
}

void forwarder::datagram(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
  const entry* const e = find(url);
  if (e != nullptr) e->to->here().datagram(e->url.to_upstream(url), payload, via);
}

// By every entry that leads to this server, unless another one serves the URL.
void forwarder::arrived(const upstream* from, std::string_view url, vsoa::payload_view payload,
                        vsoa::channel via) {
  std::string& scratch = loop_parts_[loops_.here()].scratch;
  for (const auto& each : entries_) {
    const entry& e = each.second;
    if (e.to != from) continue;
    const std::string_view ours = e.url.to_ours(url, scratch);
    if (!ours.empty() && find(ours) == &e) publish_(ours, payload, via);
  }
}

void forwarder::interest_changed(std::string_view pattern, bool wanted) {
  for (const auto& each : entries_) {
    const entry& e = each.second;
    if (e.to == nullptr) continue;
    const auto theirs = e.url.subscription(pattern);
    if (!theirs) continue;
    wanted ? e.to->want(*theirs) : e.to->leave(*theirs);
  }
}

std::vector<std::string> forwarder::summary() const {
  std::vector<std::string> lines;
  for (const auto& u : upstreams_)
    lines.push_back(who_ + u->summary());
  return lines;
}

}  // namespace vsoad
