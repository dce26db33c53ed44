// Errors that libvsoa itself reports. What a peer answers is a `status` (status.hpp), never one of
// these. libvsoa throws only during set-up (listen, construction); never on a packet's way.
#pragma once

#include <system_error>

namespace vsoa {

/// What went wrong on our side of the wire.
enum class errc {
  bad_magic = 1,   ///< first byte of a packet is not 0x29
  too_large,       ///< packet over the limit of its channel
  truncated,       ///< a datagram shorter than its header says
  bad_url,         ///< URL missing, without leading '/', not UTF-8, or over 65535 bytes
  closed,          ///< connection or server is gone
  timeout,         ///< no answer in time
  queue_full,      ///< a bounded queue has no room
  not_found,       ///< no such client, name or address
  invalid_answer,  ///< a peer's answer makes no sense
};

/// The category of errc, named "vsoa".
const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), error_category()};
}

}  // namespace vsoa

template <>
struct std::is_error_code_enum<vsoa::errc> : std::true_type {};
