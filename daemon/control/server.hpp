// The control socket: programs connect, each line that they send is answered by one.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "control/operations.hpp"
#include "vsoa/log.hpp"

namespace boost::asio {
class io_context;
}

namespace vsoad::control {

struct server_options {
  std::string path;
  std::string group;  ///< whose members may, too; empty: nobody's
  std::size_t connections = 16;
  /// Without a byte from or to a program it is disconnected.
  std::chrono::milliseconds idle{60'000};
};

/// Lives on the thread of its io_context. A program that sends garbage, does not read, or goes away
/// costs its own connection.
class server {
 public:
  /// All outlive this object.
  server(boost::asio::io_context& where, operations& daemon, vsoa::log_sink log);
  ~server();  ///< closes all, and removes the socket
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Once. Throws std::runtime_error, fit for the operator; then nothing listens.
  void listen(const server_options& options);
  /// Whether the group could be given the socket's file: without, its members can't connect.
  bool group_has_access() const noexcept;

 private:
  class impl;
  std::shared_ptr<impl> impl_;  // shared with connections
};

}  // namespace vsoad::control
