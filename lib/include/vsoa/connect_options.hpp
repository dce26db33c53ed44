// How a client connects.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "vsoa/address.hpp"
#include "vsoa/position.hpp"
#include "vsoa/tls.hpp"

namespace vsoa {

/// Of one connection.
struct connect_options {
  std::string password;  ///< empty: none is sent
  /// For all of it: name, TCP, TLS and handshake.
  std::chrono::milliseconds timeout{10000};
  /// The address family that a name is looked up for.
  position_domain domain = position_domain::any;
  /// Position servers for names; none: those of position_servers().
  std::vector<socket_address> position_servers;
  /// TLS, and nothing less, with the quick channel off; nothing: clear text, but never to a server
  /// whose position entry demands TLS. The files are read when the connect, or the robot, begins.
  std::optional<tls_options> tls{};
};

}  // namespace vsoa
