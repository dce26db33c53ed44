#include "broker/interfaces.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <optional>

namespace vsoad {
namespace {

std::optional<vsoa::ip_address> read_address(const sockaddr* address) {
  if (address == nullptr) return {};
  vsoa::ip_address ip;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    std::memcpy(ip.bytes.data(), &v4.sin_addr, sizeof v4.sin_addr);
    return ip;
  }
  if (address->sa_family != AF_INET6) return {};
  sockaddr_in6 v6{};
  std::memcpy(&v6, address, sizeof v6);
  std::memcpy(ip.bytes.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
  ip.v6 = true;
  ip.scope_id = v6.sin6_scope_id;
  return ip;
}

}  // namespace

std::vector<interface_address> interface_addresses() {
  std::vector<interface_address> result;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return result;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  for (const auto* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if ((entry->ifa_flags & IFF_UP) == 0) continue;
    if (const auto ip = read_address(entry->ifa_addr)) result.push_back({entry->ifa_name, *ip});
  }
  return result;
}

bool is_loopback(const vsoa::ip_address& ip) noexcept {
  if (!ip.v6) return ip.bytes[0] == 127;
  return ip.bytes.back() == 1 && std::all_of(ip.bytes.begin(), ip.bytes.end() - 1,
                                             [](std::uint8_t byte) { return byte == 0; });
}

bool is_link_local(const vsoa::ip_address& ip) noexcept {
  if (!ip.v6) return ip.bytes[0] == 169 && ip.bytes[1] == 254;
  return ip.bytes[0] == 0xFE && (ip.bytes[1] & 0xC0) == 0x80;
}

}  // namespace vsoad
