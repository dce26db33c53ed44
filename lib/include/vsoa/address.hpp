// Socket addresses as values, without a socket library in sight.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vsoa/export.hpp"

namespace vsoa {

/// An IPv4 or IPv6 address without a port. IPv4 uses the first four bytes.
struct VSOA_API ip_address {
  /// In network order.
  std::array<std::uint8_t, 16> bytes{};
  /// Whether it is IPv6.
  bool v6 = false;
  std::uint32_t scope_id = 0;  ///< IPv6 link-local interface; 0 elsewhere

  /// IPv4 before IPv6, then by bytes.
  auto operator<=>(const ip_address&) const = default;
  bool is_unspecified() const noexcept;  ///< 0.0.0.0 or ::
  std::string to_string() const;         ///< "127.0.0.1", "::1"

  /// A literal, without brackets. Nothing when it is not one; host names are never resolved.
  static std::optional<ip_address> parse(std::string_view text);
};

/// Address and port. Port 0, where a listener accepts it, lets the kernel choose.
struct VSOA_API socket_address {
  /// The address.
  ip_address ip;
  /// 0..65535.
  std::uint16_t port = 0;

  /// By address, then by port.
  auto operator<=>(const socket_address&) const = default;
  std::string to_string() const;  ///< "127.0.0.1:3005", "[::1]:3005"

  /// "1.2.3.4:5" or "[::1]:5"; without a port (also bare "::1") only when `default_port` is given.
  static std::optional<socket_address> parse(std::string_view text,
                                             std::optional<std::uint16_t> default_port = {});
};

}  // namespace vsoa
