// What a plugin says of itself, believed only after it has been checked against the ABI.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vsoa/plugin.h"

namespace vsoad {

/// A checked copy of a plugin's descriptor. What the plugin's ABI did not have yet is zero.
struct plugin_descriptor {
  std::string name;
  std::string version;
  std::string description;
  std::vector<std::string> commands;
  std::uint32_t flags = 0;
  vsoa_plugin callbacks{};  ///< of it, only the functions are used
};

/// Whether text may name a plugin: [a-z][a-z0-9_-]*, at most 64 bytes.
bool is_plugin_name(std::string_view text) noexcept;

/// Reads what vsoa_plugin_main returned, no further than the size that it states.
/// @param file_name  the name that the file claims, which the descriptor's must equal
/// @return why it is refused; empty: it is good, and `out` filled in
std::string read_descriptor(const vsoa_plugin* plugin, std::string_view file_name,
                            plugin_descriptor& out);

}  // namespace vsoad
