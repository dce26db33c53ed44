// Errors that libvsoa itself reports. What a peer answers is a `status` (status.hpp), never one of
// these. libvsoa throws only during set-up (listen, construction); never on a packet's way.
#pragma once

#include <system_error>

#include "vsoa/export.hpp"

namespace vsoa {

/// What went wrong on our side of the wire.
enum class errc {
  bad_magic = 1,  ///< first byte of a packet is not 0x29
  too_large,      ///< packet over the limit of its channel
  truncated,      ///< a datagram shorter than its header says
};

/// The category of errc, named "vsoa".
VSOA_API const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), error_category()};
}

}  // namespace vsoa

template <>
struct std::is_error_code_enum<vsoa::errc> : std::true_type {};
