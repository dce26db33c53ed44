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
                     const config::service_settings& settings, const arrival& tell,
                     const vsoa::log_sink& log, const forwarder* before)
    : loops_(loops),
      settings_(settings.commands),
      who_("service \"" + settings.name + "\": "),
      log_([log, who = who_](vsoa::log_level level, std::string_view line) {
        if (log) log(level, who + std::string(line));
      }),
      next_number_(before == nullptr ? 0 : before->next_number_),
      loop_parts_(loops.size()) {
  for (const config::command_settings& c : settings.commands) {
    entry& e = entries_[c.url];
    if (c.forward.url.empty()) continue;
    e.url = forward_url(c.url, c.forward.strip_prefix);
    e.timeout = c.forward.timeout;
    e.to = &upstream_for(loops, server, settings.limits.outbox, c.forward, tell, before);
  }
}

forwarder::~forwarder() = default;

// A plugin's entries matter, too: they keep what is below a forwarded URL.
bool forwarder::is_for(const config::service_settings& settings) const {
  const bool is_refused = std::any_of(upstreams_.begin(), upstreams_.end(),
                                      [](const auto& u) { return u->is_given_up(); });
  if (is_refused) return false;
  return std::equal(settings_.begin(), settings_.end(), settings.commands.begin(),
                    settings.commands.end(), [](const auto& a, const auto& b) {
                      return a.url == b.url && a.forward.strip_prefix == b.forward.strip_prefix &&
                             a.forward.timeout == b.forward.timeout &&
                             same_server(a.forward, b.forward);
                    });
}

upstream& forwarder::upstream_for(vsoa::runtime& loops, vsoa::server& server, std::size_t outbox,
                                  const config::forward_settings& settings, const arrival& tell,
                                  const forwarder* before) {
  const auto serves = [&](const auto& u) { return same_server(u->settings(), settings); };
  const auto known = std::find_if(upstreams_.begin(), upstreams_.end(), serves);
  if (known != upstreams_.end()) return **known;
  if (before != nullptr) {
    const auto old = std::find_if(before->upstreams_.begin(), before->upstreams_.end(),
                                  [&](const auto& u) { return serves(u) && !u->is_given_up(); });
    if (old != before->upstreams_.end()) return *upstreams_.emplace_back(*old);
  }
  const std::size_t number = next_number_++;
  upstreams_.push_back(std::make_shared<upstream>(
      loops, server, number, outbox, settings,
      [tell, number](std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
        tell(number, url, payload, via);
      },
      log_));
  return *fresh_.emplace_back(upstreams_.back());
}

std::vector<vsoa::server::command_entry> forwarder::commands() {
  std::vector<vsoa::server::command_entry> all;
  entries_.for_each([&](std::string_view url, const entry& e) {
    if (e.to == nullptr) return;
    all.push_back({std::string(url), [self = shared_from_this(), &e](vsoa::call& c) {
                     e.to->here().call(c, e.url.to_upstream(c.url()), e.timeout);
                   }});
  });
  return all;
}

void forwarder::start(const vsoa::name_resolver& resolver, const upstream_link::vetting& vet) {
  for (const auto& u : std::exchange(fresh_, {})) {
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

bool forwarder::has(const upstream& u) const {
  return std::any_of(upstreams_.begin(), upstreams_.end(),
                     [&u](const auto& each) { return each.get() == &u; });
}

void forwarder::stop(const forwarder* after) {
  for (const auto& u : upstreams_) {
    if (after == nullptr || !after->has(*u)) u->stop();
  }
}

bool forwarder::is_idle(const forwarder* after) const {
  return std::all_of(upstreams_.begin(), upstreams_.end(), [after](const auto& u) {
    return (after != nullptr && after->has(*u)) || u->is_idle();
  });
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
void forwarder::arrived(std::size_t from, std::string_view url, vsoa::payload_view payload,
                        vsoa::channel via, const publisher& publish) {
  std::string& scratch = loop_parts_[loops_.here()].scratch;
  entries_.for_each([&](std::string_view, const entry& e) {
    if (e.to == nullptr || e.to->number() != from) return;
    const std::string_view ours = e.url.to_ours(url, scratch);
    if (!ours.empty() && find(ours) == &e) publish(ours, payload, via);
  });
}

void forwarder::interest_changed(std::string_view pattern, bool wanted) {
  entries_.for_each([&](std::string_view, const entry& e) {
    if (e.to == nullptr) return;
    const auto theirs = e.url.subscription(pattern);
    if (!theirs) return;
    wanted ? e.to->want(*theirs) : e.to->leave(*theirs);
  });
}

std::vector<upstream_report> forwarder::reports() const {
  std::vector<upstream_report> all;
  for (const auto& u : upstreams_)
    all.push_back(u->report());
  return all;
}

std::vector<std::string> forwarder::summary() const {
  std::vector<std::string> lines;
  for (const auto& u : upstreams_)
    lines.push_back(who_ + u->summary());
  return lines;
}

}  // namespace vsoad
