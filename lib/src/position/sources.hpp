// Where the position servers are written down: VSOA_POS_SERVER and /etc/vsoa.pos. Lenient, as the
// official libraries are: an entry that can't be understood is left out.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>
#include <vector>

#include "vsoa/address.hpp"

namespace vsoa::position {

/// Read at most: each server that does not answer costs a lookup seconds.
inline constexpr std::size_t max_servers = 64;
inline constexpr std::size_t max_file_bytes = 65536;

inline constexpr const char* environment_variable = "VSOA_POS_SERVER";
inline constexpr const char* default_file = "/etc/vsoa.pos";

/// "ip", "ip:port", "[v6]:port", "v6", separated by commas; blanks around entries.
std::vector<socket_address> parse_server_list(std::string_view text);
/// One server a line: "ip", "ip port", "[v6] port", "ip:port"; blanks, tabs, LF or CRLF, '#'
/// comments.
std::vector<socket_address> parse_server_file(std::string_view text);

/// The servers of the environment variable, then those of the file, each once. A file that can't be
/// read has none.
std::vector<socket_address> find_servers(const std::filesystem::path& file);

}  // namespace vsoa::position
