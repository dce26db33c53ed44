// The daemon put together: loops, services, plugins, position server; how they start, and how they
// end.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "broker/directory.hpp"
#include "broker/service.hpp"
#include "config/config.hpp"
#include "plugin_host/plugin_host.hpp"
#include "vsoa/position.hpp"
#include "vsoa/runtime.hpp"
#include "vsoad/listening_sockets.hpp"
#include "vsoad/logging.hpp"
#include "vsoad/watchdog.hpp"

namespace vsoad {

class application {
 public:
  /// @param sockets  bound before this process began; see inherit_sockets()
  application(const config::configuration& settings, const logging& log,
              std::vector<inherited_socket> sockets);
  ~application();
  application(const application&) = delete;
  application& operator=(const application&) = delete;

  /// Binds, gives up root, starts plugins, serves. Throws std::runtime_error, whose text is fit for
  /// the operator, if that is not to be.
  void start();

  /// Stops accepting and waits until nothing is in flight, then stops plugins and services.
  /// @param hurry  asked now and then while waiting; true: wait no longer
  /// @return  false: a plugin does not return, and threads are stuck in it. Don't destroy this
  /// object
  ///          then; end the process.
  bool stop(const std::function<bool()>& hurry);

  /// Reads the certificates of all services again; what is wrong is logged, and changes nothing.
  void reload_certificates();

  std::string status() const;  ///< one line, for systemctl status

 private:
  void listen();
  void forward();
  void start_plugins();
  void start_services();
  bool is_idle() const;
  bool loops_answer(std::chrono::steady_clock::time_point deadline,
                    const std::function<bool()>& hurry);
  bool drain(std::chrono::steady_clock::time_point deadline, const std::function<bool()>& hurry);
  std::string position_summary() const;

  const config::configuration settings_;
  const logging& log_;
  listening_sockets sockets_;
  vsoa::runtime loops_;
  std::vector<std::unique_ptr<service>> services_;
  directory directory_;
  std::unique_ptr<own_services> own_;  // from forward() on
  vsoa::position_server position_;
  std::vector<vsoa::socket_address> position_addresses_;
  plugin_host plugins_;                 // its queues end before what their jobs use
  std::unique_ptr<watchdog> watchdog_;  // from start() on, to the end
};

}  // namespace vsoad
