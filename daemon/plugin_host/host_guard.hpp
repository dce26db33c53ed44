// What all host functions begin with: the way from the plugin's table to its core, with a look at
// the doors, and nothing thrown into the plugin.
#pragma once

#include <cstdint>

#include "plugin_host/plugin_core.hpp"
#include "plugin_host/rundown.hpp"
#include "vsoa/plugin.h"

namespace vsoad {

inline plugin_core* core_of(const vsoa_host* host) {
  if (host == nullptr) return nullptr;
  return reinterpret_cast<const plugin_core::table_and_owner*>(host)->owner;
}

/// Runs a host function's body while the plugin may still be served, and lets nothing out of it.
template <class Result, class Body>
Result guarded(const vsoa_host* host, Result otherwise, Body body) noexcept {
  plugin_core* core = core_of(host);
  if (core == nullptr) return otherwise;
  const rundown_guard inside(core->host_calls);
  if (!inside) return otherwise;
  const reclaimer::reader reading(core->env.old);
  try {
    return body(*core);
  } catch (...) {  // memory, mostly
    return otherwise;
  }
}

/// The service of a client, null: none; and the client's id there.
struct found_client {
  service_port* port;
  vsoa::client_id id;
};
inline found_client find_client(const plugin_core& core, vsoa_client client) {
  const auto id = static_cast<vsoa::client_id>(client);
  return {id == 0 ? nullptr : core.port(static_cast<vsoa_service>(client >> 32U)), id};
}

inline bool is_good(vsoa_text text) {
  return text.ptr != nullptr || text.len == 0;
}
inline bool is_good(vsoa_bytes bytes) {
  return bytes.ptr != nullptr || bytes.len == 0;
}

}  // namespace vsoad
