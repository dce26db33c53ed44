// What clients ask for and the operator sets, read from JSON; and text for JSON.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace files {

/// The param of a request; what a command does not know of it, it refuses.
struct request {
  std::string path;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length, size;
  std::string sha256;  ///< lower-case; empty: none
  std::string after;
  bool checksum = false;
};

/// Throws `failure`.
/// @param known  the keys of this command, separated by blanks
request read_request(std::string_view param, std::string_view known);

struct settings {
  std::string root;
  bool writable = false;
  std::uint64_t max_size = std::uint64_t{1} << 30U;  ///< bytes, of a file that is uploaded
  std::uint64_t transfers = 8;                       ///< at the same time
  std::uint64_t idle_limit = 30;                     ///< seconds without a byte moved
};

/// Throws std::invalid_argument, for the log.
settings read_settings(std::string_view config);

/// In quotes, escaped. @pre UTF-8
std::string quoted(std::string_view text);

}  // namespace files
