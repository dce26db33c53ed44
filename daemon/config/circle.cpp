#include "circle.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "ascii.hpp"
#include "vsoa/server_url.hpp"
#include "vsoa/url.hpp"

namespace vsoad::config {

namespace {

bool same_name(std::string_view a, std::string_view b) {
  return lower(a) == lower(b);
}

bool is_loopback(const vsoa::ip_address& ip) {
  return ip.v6 ? ip == *vsoa::ip_address::parse("::1") : ip.bytes[0] == 127;
}

// What the addresses of this machine are is the daemon's to find out: the file may be for another.
bool listens_at(const service_settings& s, const vsoa::socket_address& address) {
  return std::any_of(s.listen.begin(), s.listen.end(), [&](const vsoa::socket_address& l) {
    if (l.port == 0 || l.port != address.port || l.ip.v6 != address.ip.v6) return false;
    return l.ip == address.ip || (l.ip.is_unspecified() && is_loopback(address.ip));
  });
}

/// The address that a URL's host stands for. Names go first to position.entries, as they do for the
/// daemon.
std::optional<vsoa::socket_address> address_of(const configuration& all,
                                               const vsoa::server_url& url) {
  if (const auto ip = vsoa::ip_address::parse(url.host == "localhost" ? "127.0.0.1" : url.host)) {
    return vsoa::socket_address{*ip, url.port.value_or(0)};
  }
  const auto entry = std::find_if(all.position.entries.begin(), all.position.entries.end(),
                                  [&url](const auto& e) { return same_name(e.name, url.host); });
  if (entry == all.position.entries.end()) return {};
  return entry->address;
}

/// The entry that serves a URL: the longest that takes it.
std::optional<std::size_t> entry_for(const service_settings& s, const std::string& url) {
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < s.commands.size(); ++i) {
    if (!vsoa::url_matches(s.commands[i].url, url)) continue;
    if (!best || s.commands[i].url.size() > s.commands[*best].url.size()) best = i;
  }
  return best;
}

}  // namespace

std::optional<std::size_t> target_of(const configuration& all, const command_settings& c) {
  const auto url = vsoa::server_url::parse(c.forward.url);
  if (!url) return {};
  const auto address = address_of(all, *url);
  const auto found =
      std::find_if(all.services.begin(), all.services.end(), [&](const service_settings& s) {
        return address ? listens_at(s, *address) : same_name(s.name, url->host);
      });
  if (found == all.services.end()) return {};
  return static_cast<std::size_t>(found - all.services.begin());
}

bool goes_round(const std::vector<service_settings>& services, std::size_t service,
                std::size_t entry, const target_finder& target) {
  std::string url = services[service].commands[entry].url;
  std::set<std::tuple<std::size_t, std::size_t, std::size_t>> been;
  while (been.emplace(service, entry, url.size()).second) {
    const command_settings& c = services[service].commands[entry];
    if (c.forward.url.empty()) return false;
    const auto next_service = target(c);
    if (!next_service) return false;
    if (c.forward.strip_prefix) url = url.substr(std::min(url.size(), c.url.size() - 1));
    if (url.empty()) url.push_back('/');
    const auto next = entry_for(services[*next_service], url);
    if (!next) return false;
    service = *next_service;
    entry = *next;
  }
  return true;
}

}  // namespace vsoad::config
