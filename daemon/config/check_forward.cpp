#include "check_forward.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>

#include "ascii.hpp"
#include "check_tls.hpp"
#include "vsoa/server_url.hpp"
#include "vsoa/url.hpp"

namespace vsoad::config {

namespace {

using what = mention::what;

const command_settings& command_of(const builder& built, const mention& m) {
  return built.config.services[m.service].commands[m.element];
}

bool is_forwarded(const command_settings& c) {
  return !c.forward.url.empty();
}

std::optional<vsoa::ip_address> ip_literal(const std::string& host) {
  return vsoa::ip_address::parse(host == "localhost" ? "127.0.0.1" : host);
}

// --- the keys of an entry ---

/// An entry has one of two kinds of keys.
void check_kind(const builder& built, const mention& m, report& findings) {
  const command_settings& c = command_of(built, m);
  const std::string_view key =
      std::string_view(m.written.path).substr(m.written.path.rfind('.') + 1);
  if (m.kind == what::plugin_key && is_forwarded(c)) {
    findings.error(m.written.at, m.written.path,
                   key == "plugin" ? "stands beside forward; remove one of the two"
                                   : "has no meaning beside forward; remove it");
  } else if (m.kind == what::forward_key && !is_forwarded(c)) {
    findings.error(m.written.at, m.written.path,
                   "has a meaning beside forward only; write forward: vsoa://name, or remove it");
  }
}

void check_entry(const builder& built, const mention& m, report& findings) {
  const command_settings& c = command_of(built, m);
  if (!c.plugin.empty() || is_forwarded(c) || findings.has_error_below(m.written.path)) return;
  findings.error(m.written.at, m.written.path + ".plugin",
                 "missing; write one such as plugin: echo, or forward: vsoa://legacy");
}

void check_strip(const builder& built, const mention& m, report& findings) {
  const command_settings& c = command_of(built, m);
  if (!c.forward.strip_prefix || c.url.ends_with('/')) return;
  findings.error(
      m.written.at, m.written.path,
      "nothing of " + in_quotes(c.url) + " would be left; it needs a URL that ends with \"/\"");
}

void check_url(const mention& m, report& findings) {
  const std::string& text = m.written.text;
  const auto url = vsoa::server_url::parse(text);
  if (!url) {
    return findings.error(m.written.at, m.written.path,
                          in_quotes(text) +
                              " is not a server's URL; write one such as vsoa://legacy or "
                              "vsoa://10.0.0.9:3001");
  }
  if (ip_literal(url->host) && !url->port) {
    return findings.error(m.written.at, m.written.path,
                          in_quotes(text) +
                              " has no port, which an address needs; write one such "
                              "as vsoa://10.0.0.9:3001");
  }
  if (url->path != "/") {
    findings.error(m.written.at, m.written.path,
                   in_quotes(text) +
                       " has a path; write the server alone: the URLs of calls go "
                       "there as they are, or without their prefix (strip_prefix)");
  }
}

// --- in a circle ---

bool same_name(std::string_view a, std::string_view b) {
  return lower(a) == lower(b);
}

bool is_loopback(const vsoa::ip_address& ip) {
  return ip.v6 ? ip == *vsoa::ip_address::parse("::1") : ip.bytes[0] == 127;
}

bool listens_at(const service_settings& s, const vsoa::socket_address& address) {
  return std::any_of(s.listen.begin(), s.listen.end(), [&](const vsoa::socket_address& l) {
    if (l.port == 0 || l.port != address.port || l.ip.v6 != address.ip.v6) return false;
    return l.ip == address.ip || (l.ip.is_unspecified() && is_loopback(address.ip));
  });
}

/// The service of this file that a command is forwarded to, as far as the file tells.
std::optional<std::size_t> target_of(const configuration& all, const command_settings& c) {
  const auto url = vsoa::server_url::parse(c.forward.url);
  if (!url) return {};
  const auto ip = ip_literal(url->host);
  if (ip && !url->port) return {};
  for (std::size_t i = 0; i < all.services.size(); ++i) {
    const service_settings& s = all.services[i];
    const bool is_meant = ip ? listens_at(s, {*ip, *url->port}) : same_name(s.name, url->host);
    if (is_meant) return i;
  }
  return {};
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

/// Whether a call of the entry's own URL comes back to where it has been, as it was.
bool goes_round(const configuration& all, std::size_t service, std::size_t entry) {
  std::string url = all.services[service].commands[entry].url;
  std::set<std::tuple<std::size_t, std::size_t, std::size_t>> been;
  while (been.emplace(service, entry, url.size()).second) {
    const command_settings& c = all.services[service].commands[entry];
    if (!is_forwarded(c)) return false;
    const auto target = target_of(all, c);
    if (!target) return false;
    if (c.forward.strip_prefix) url = url.substr(std::min(url.size(), c.url.size() - 1));
    if (url.empty()) url = "/";
    const auto next = entry_for(all.services[*target], url);
    if (!next) return false;
    service = *target;
    entry = *next;
  }
  return true;
}

void check_circle(const builder& built, const mention& m, report& findings) {
  const auto target = target_of(built.config, command_of(built, m));
  if (!target) return;
  if (*target == m.service) {
    findings.error(m.written.at, m.written.path,
                   in_quotes(m.written.text) + " is this service itself; name another server");
  } else if (goes_round(built.config, m.service, m.element)) {
    findings.error(m.written.at, m.written.path,
                   "a call would go in a circle: service " +
                       in_quotes(built.config.services[*target].name) +
                       " forwards it back; remove one of the two");
  }
}

std::string section_of(const mention& entry) {
  return entry.written.path + ".tls";
}

}  // namespace

void check_forward(const builder& built, bool read_files, report& findings) {
  for (const mention& m : built.mentions) {
    switch (m.kind) {
      case what::command: {
        check_entry(built, m, findings);
        const auto& tls = command_of(built, m).forward.tls;
        if (tls && read_files) {
          check_tls_files(built, *tls, vsoa::tls_role::client, section_of(m), findings);
        }
        break;
      }
      case what::forward:
        check_url(m, findings);
        check_circle(built, m, findings);
        break;
      case what::strip_prefix:
        check_strip(built, m, findings);
        break;
      case what::plugin_key:
      case what::forward_key:
        check_kind(built, m, findings);
        break;
      default:
        break;
    }
  }
}

}  // namespace vsoad::config
