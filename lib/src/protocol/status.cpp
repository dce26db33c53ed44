#include "vsoa/status.hpp"

#include <array>

namespace vsoa {

std::string_view to_string(status s) noexcept {
  static constexpr std::array<std::string_view, 8> names{
      "SUCCESS",       "PASSWORD",       "ARGUMENTS", "INVALID_URL",
      "NO_RESPONDING", "NO_PERMISSIONS", "NO_MEMORY", "PROXY"};
  const auto value = static_cast<std::uint8_t>(s);
  if (value < names.size()) return names[value];
  return value < 128 ? "RESERVED" : "USER";
}

}  // namespace vsoa
