// What a client is told to connect to: vsoa://host[:port][/path]. Source: the wire notes,
// lib/README.md, "The client".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vsoa/export.hpp"

namespace vsoa {

/// The parts of a server's URL.
struct VSOA_API server_url {
  std::string host;                   ///< an IP literal without brackets, or a name in lower case
  std::optional<std::uint16_t> port;  ///< 1..65535
  std::string path;                   ///< "/" when there is none; what one-shot fetch() calls

  std::string to_string() const;  ///< "vsoa://[::1]:3005/echo"

  /// "vsoa://cabin", "vsoa://10.0.0.7:3005/echo", "vsoa://[::1]:3005"; "vsoa://" may be missing. A
  /// name has 1..512 bytes. Nothing: not such a URL.
  static std::optional<server_url> parse(std::string_view text);
};

}  // namespace vsoa
