#include "vsoa/address.hpp"

#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "protocol/port.hpp"

namespace vsoa {

std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return port;
}

bool ip_address::is_unspecified() const noexcept {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

std::string ip_address::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text.data(), text.size());
  std::string result = text.data();
  if (scope_id != 0) {
    std::array<char, IF_NAMESIZE> name{};
    result += '%';
    result += ::if_indextoname(scope_id, name.data()) != nullptr ? std::string(name.data())
                                                                 : std::to_string(scope_id);
  }
  return result;
}

std::optional<ip_address> ip_address::parse(std::string_view text) {
  ip_address result;
  std::string host(text.substr(0, text.find('%')));
  if (host.find('\0') != std::string::npos) return {};
  if (host.size() == text.size() && ::inet_pton(AF_INET, host.c_str(), result.bytes.data()) == 1) {
    return result;
  }
  result.v6 = true;
  if (::inet_pton(AF_INET6, host.c_str(), result.bytes.data()) != 1) return {};
  if (host.size() < text.size()) {
    const std::string scope(text.substr(host.size() + 1));
    const auto [end, error] =
        std::from_chars(scope.data(), scope.data() + scope.size(), result.scope_id);
    const bool numeric = error == std::errc{} && end == scope.data() + scope.size();
    if (!numeric) result.scope_id = ::if_nametoindex(scope.c_str());
    if (result.scope_id == 0) return {};
  }
  return result;
}

std::string socket_address::to_string() const {
  const std::string host = ip.to_string();
  return (ip.v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::optional<socket_address> socket_address::parse(std::string_view text,
                                                    std::optional<std::uint16_t> default_port) {
  std::string_view host = text;
  std::optional<std::uint16_t> port = default_port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return {};
    host = text.substr(1, end - 1);
    const auto rest = text.substr(end + 1);
    if (!rest.empty()) {
      if (rest.front() != ':') return {};
      port = parse_port(rest.substr(1));
    }
    if (host.find(':') == std::string_view::npos) return {};
  } else if (const auto colon = text.find(':');
             colon != std::string_view::npos &&
             text.find(':', colon + 1) == std::string_view::npos) {
    host = text.substr(0, colon);
    port = parse_port(text.substr(colon + 1));
  }
  const auto ip = ip_address::parse(host);
  if (!ip || !port) return {};
  return socket_address{*ip, *port};
}

}  // namespace vsoa
