// The functions that a plugin may call. Each checks its arguments, may be called from any thread,
// and answers with a code: nothing is thrown into the plugin.
#pragma once

#include <cstdint>

#include "vsoa/plugin.h"

namespace vsoad {

/// Fills in the table; the members after it are the owner's.
void fill_host_table(vsoa_host& table);
/// The part of it that is in host_streams.cpp.
void fill_stream_functions(vsoa_host& table);

/// The host's name for a client: its service above, its id in that service below.
constexpr vsoa_client client_handle(vsoa_service service, std::uint32_t id) noexcept {
  return (vsoa_client{service} << 32U) | id;
}

}  // namespace vsoad
