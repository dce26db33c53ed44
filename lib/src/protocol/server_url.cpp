#include "vsoa/server_url.hpp"

#include <algorithm>

#include "protocol/port.hpp"
#include "vsoa/address.hpp"

namespace vsoa {
namespace {

constexpr std::string_view scheme = "vsoa://";
constexpr std::size_t max_host_bytes = 512;

char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool starts_with_scheme(std::string_view text) noexcept {
  return text.size() >= scheme.size() &&
         std::equal(scheme.begin(), scheme.end(), text.begin(),
                    [](char a, char b) { return a == to_lower(b); });
}

bool is_host(std::string_view host) noexcept {
  return !host.empty() && host.size() <= max_host_bytes &&
         std::none_of(host.begin(), host.end(), [](char c) {
           return static_cast<unsigned char>(c) <= ' ' || c == '@' || c == '?' || c == '#' ||
                  c == '[' || c == ']' || c == ':' || c == 0x7F;
         });
}

}  // namespace

std::optional<server_url> server_url::parse(std::string_view text) {
  if (starts_with_scheme(text)) {
    text.remove_prefix(scheme.size());
  } else if (text.find("://") < text.find('/')) {
    return {};
  }
  server_url url;
  const auto slash = std::min(text.find('/'), text.size());
  std::string_view authority = text.substr(0, slash);
  url.path = slash == text.size() ? "/" : text.substr(slash);
  std::string_view host;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return {};
    host = authority.substr(1, end - 1);
    authority.remove_prefix(end + 1);
    const auto ip = ip_address::parse(host);
    if (!ip || !ip->v6) return {};
  } else {
    host = authority.substr(0, authority.find(':'));
    authority.remove_prefix(host.size());
    if (!is_host(host)) return {};
  }
  if (!authority.empty()) {
    url.port = authority.front() == ':' ? parse_port(authority.substr(1)) : std::nullopt;
    if (!url.port || *url.port == 0) return {};
  }
  url.host = host;
  std::transform(url.host.begin(), url.host.end(), url.host.begin(), to_lower);
  return url;
}

std::string server_url::to_string() const {
  std::string text(scheme);
  text += host.find(':') != std::string::npos ? '[' + host + ']' : host;
  if (port) text += ':' + std::to_string(*port);
  return text + path;
}

}  // namespace vsoa
