// How a client connects.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vsoa/address.hpp"
#include "vsoa/position.hpp"
#include "vsoa/tls.hpp"

namespace vsoa {

/// Finds the address behind a name, in place of position servers: calls `found` once, from any
/// thread, at once or later. It is called on the client's loop and must neither block nor throw.
using name_resolver = std::function<void(std::string_view name, position_domain domain,
                                         std::function<void(std::optional<position_entry>)> found)>;

/// Of one connection.
struct connect_options {
  std::string password;  ///< empty: none is sent
  /// For all of it: name, TCP, TLS and handshake.
  std::chrono::milliseconds timeout{10000};
  /// The address family that a name is looked up for.
  position_domain domain = position_domain::any;
  /// Position servers for names; none: those of position_servers().
  std::vector<socket_address> position_servers;
  /// Asked for names instead of any position server.
  name_resolver resolver{};
  /// TLS, and nothing less, with the quick channel off; nothing: clear text, but never to a server
  /// whose position entry demands TLS. The files are read when the connect, or the robot, begins;
  /// for a robot again by client::set_tls().
  std::optional<tls_options> tls{};
};

}  // namespace vsoa
