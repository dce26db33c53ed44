#include "position/sources.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <string>

#include "vsoa/position.hpp"

namespace vsoa {
namespace position {
namespace {

constexpr std::string_view blanks = " \t\r\n\v\f";

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// Takes what stands before the separator off the text.
std::string_view take_until(std::string_view& text, std::string_view separators) {
  const auto end = std::min(text.find_first_of(separators), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return part;
}

void add_once(std::vector<socket_address>& servers, std::optional<socket_address> server) {
  if (!server || server->port == 0 || servers.size() >= max_servers) return;
  if (std::find(servers.begin(), servers.end(), *server) == servers.end()) {
    servers.push_back(*server);
  }
}

std::optional<socket_address> parse_line(std::string_view line) {
  line = trim(line.substr(0, line.find('#')));
  const auto host = take_until(line, blanks);
  const auto port_text = trim(line);
  if (port_text.empty()) return socket_address::parse(host, default_position_port);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  const auto ip = ip_address::parse(bracketed ? host.substr(1, host.size() - 2) : host);
  std::uint16_t port = 0;
  const auto* end = port_text.data() + port_text.size();
  const auto result = std::from_chars(port_text.data(), end, port);
  if (!ip || result.ec != std::errc{} || result.ptr != end) return {};
  return socket_address{*ip, port};
}

std::string read_file(const std::filesystem::path& path) {
  std::error_code error;
  // Opening a FIFO would wait for its writer.
  if (!std::filesystem::is_regular_file(path, error)) return {};
  std::ifstream stream(path, std::ios::binary);
  std::string text(max_file_bytes, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

struct chosen_server {
  std::mutex mutex;
  std::optional<socket_address> address;  // guarded by mutex
};

// Of the whole process, as in the official libraries.
chosen_server& chosen() {
  static chosen_server instance;
  return instance;
}

}  // namespace

std::vector<socket_address> parse_server_list(std::string_view text) {
  std::vector<socket_address> servers;
  while (!text.empty()) {
    add_once(servers, socket_address::parse(trim(take_until(text, ",")), default_position_port));
  }
  return servers;
}

std::vector<socket_address> parse_server_file(std::string_view text) {
  std::vector<socket_address> servers;
  while (!text.empty()) {
    add_once(servers, parse_line(take_until(text, "\n")));
  }
  return servers;
}

std::vector<socket_address> find_servers(const std::filesystem::path& file) {
  std::vector<socket_address> servers;
  if (const char* text = std::getenv(environment_variable)) servers = parse_server_list(text);
  for (const auto& server : parse_server_file(read_file(file)))
    add_once(servers, server);
  return servers;
}

}  // namespace position

void set_position_server(std::optional<socket_address> server) {
  auto& chosen = position::chosen();
  const std::lock_guard lock(chosen.mutex);
  chosen.address = server;
}

std::vector<socket_address> position_servers() {
  {
    auto& chosen = position::chosen();
    const std::lock_guard lock(chosen.mutex);
    if (chosen.address) return {*chosen.address};
  }
  return position::find_servers(position::default_file);
}

}  // namespace vsoa
