#include "check_forward.hpp"

#include <optional>
#include <string>
#include <string_view>

#include "check_tls.hpp"
#include "circle.hpp"
#include "vsoa/server_url.hpp"

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

void check_circle(const builder& built, const mention& m, report& findings) {
  const auto target = target_of(built.config, command_of(built, m));
  if (!target) return;
  if (*target == m.service) {
    findings.error(m.written.at, m.written.path,
                   in_quotes(m.written.text) + " is this service itself; name another server");
  } else if (goes_round(built.config.services, m.service, m.element,
                        [&](const command_settings& c) { return target_of(built.config, c); })) {
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
