// Status codes of replies.
#pragma once

#include <cstdint>
#include <string_view>

#include "vsoa/export.hpp"

namespace vsoa {

/// What a reply says of its request (wire: byte 3 of the header). 8..127 are reserved, 128..255 are
/// the application's own; every value travels unchanged.
enum class status : std::uint8_t {
  success = 0,
  password = 1,        ///< not authenticated, or the wrong password
  arguments = 2,       ///< malformed URL or arguments
  invalid_url = 3,     ///< nothing serves this URL
  no_responding = 4,   ///< the handler or an upstream server did not answer
  no_permissions = 5,  ///< not allowed
  no_memory = 6,       ///< a limit of the server is reached
  proxy = 7,           ///< a forwarding server failed
};

/// "SUCCESS", "PASSWORD" ...; "RESERVED" or "USER" for the ranges without names.
VSOA_API std::string_view to_string(status s) noexcept;

}  // namespace vsoa
