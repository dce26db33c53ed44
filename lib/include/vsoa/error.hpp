// Errors that libvsoa itself reports. What a server answers to a call is a `status` (status.hpp),
// never one of these; where an operation has no status to give (ping, subscribe), a status other
// than SUCCESS is an error of status_category(). libvsoa throws only during set-up (listen,
// construction); never on a packet's way.
#pragma once

#include <system_error>

#include "vsoa/export.hpp"
#include "vsoa/status.hpp"

namespace vsoa {

/// What went wrong on our side of the wire.
enum class errc {
  bad_magic = 1,  ///< first byte of a packet is not 0x29
  too_large,      ///< packet over the limit of its channel; nothing was sent
  truncated,      ///< a datagram shorter than its header says

  timeout,            ///< no answer in time
  closed,             ///< the connection ended, or was ended, before the answer
  not_connected,      ///< there is no connection
  already_connected,  ///< or connecting, or a robot does it
  cancelled,          ///< by its cancellation slot, by cancel(), or by the end of the client
  too_many_pending,   ///< client_limits::pending requests wait for an answer already
  outbox_full,        ///< client_limits::outbox bytes wait to be sent already
  invalid_url,        ///< see is_valid_url()
  no_answer,          ///< the server has missed too many pings
  not_reading,        ///< the server takes no bytes
  violation,          ///< what came is not VSOA
  would_deadlock,     ///< a blocking function was called on a thread of a runtime's
  not_running,        ///< a blocking function was called while the runtime does not run
};

/// How an attempt to connect ended. The values are those of the official libraries. Source: the
/// wire notes, lib/README.md, "The client".
enum class connect_errc {
  ok = 0,
  error = 1,               ///< refused, no connection in time, broken, or could not send
  unreachable = 2,         ///< no route
  not_found = 3,           ///< not a URL, an address without port, or a name that nobody knows
  no_responding = 4,       ///< connected, but no handshake in time, or closed instead
  invalid_responding = 5,  ///< the answer is no handshake, or refuses with a status but PASSWORD
  invalid_password = 6,    ///< wrong, or one is needed
  tls_failed = 7,  ///< TLS handshake failed, or the name demands TLS and there are no options
};

/// The category of errc, named "vsoa".
VSOA_API const std::error_category& error_category() noexcept;
/// The category of connect_errc, named "vsoa.connect".
VSOA_API const std::error_category& connect_category() noexcept;
/// The category of `status` as an error, named "vsoa.status".
VSOA_API const std::error_category& status_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
  return {static_cast<int>(e), error_category()};
}
inline std::error_code make_error_code(connect_errc e) noexcept {
  return {static_cast<int>(e), connect_category()};
}
inline std::error_code make_error_code(status s) noexcept {
  return {static_cast<int>(s), status_category()};
}

}  // namespace vsoa

/// @cond what makes them error codes
template <>
struct std::is_error_code_enum<vsoa::errc> : std::true_type {};
template <>
struct std::is_error_code_enum<vsoa::connect_errc> : std::true_type {};
template <>
struct std::is_error_code_enum<vsoa::status> : std::true_type {};
/// @endcond
