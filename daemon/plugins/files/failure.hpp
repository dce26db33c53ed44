// Why a request is refused: the status of its reply, and words for people.
#pragma once

#include <stdexcept>
#include <vsoa/plugin.hpp>

namespace files {

using vsoa::plugin::status;

// This plugin's own; README.md lists them.
inline constexpr auto not_found = static_cast<status>(128);
inline constexpr auto busy = static_cast<status>(129);
inline constexpr auto too_large = static_cast<status>(130);
inline constexpr auto wrong_offset = static_cast<status>(131);
inline constexpr auto io_error = static_cast<status>(132);

/// Thrown where it is found, answered by files.cpp.
class failure : public std::runtime_error {
 public:
  failure(status s, const char* what) : std::runtime_error(what), code(s) {}
  const status code;
};

}  // namespace files
