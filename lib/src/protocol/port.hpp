// Port numbers as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace vsoa {

/// Nothing but decimal digits, 0 to 65535.
[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view text) noexcept;

}  // namespace vsoa
