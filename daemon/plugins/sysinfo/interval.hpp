// The plugin's one setting.
#pragma once

#include <chrono>
#include <string_view>

namespace machine_info {

/// Reads `{"interval": 2.5}`, `{"interval": "500ms"}`; without it, one second. Zero: never.
/// @param json  the settings, "null" if there are none
/// Throws std::invalid_argument, saying what is wrong.
std::chrono::milliseconds read_interval(std::string_view json);

}  // namespace machine_info
