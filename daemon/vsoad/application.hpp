// The daemon put together: loops, services, plugins, position server; how they start, and how they
// end.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "broker/directory.hpp"
#include "broker/own_services.hpp"
#include "broker/service.hpp"
#include "config/config.hpp"
#include "config/load.hpp"
#include "plugin_host/plugin_host.hpp"
#include "plugin_host/reclaimer.hpp"
#include "vsoa/position.hpp"
#include "vsoa/runtime.hpp"
#include "vsoad/listening_sockets.hpp"
#include "vsoad/logging.hpp"
#include "vsoad/reload.hpp"
#include "vsoad/watchdog.hpp"

namespace vsoad {

/// For the operator, with a remedy where one is known.
std::string why_not_listening(const std::string& who, const std::system_error& e);

/// Threads: that of the main loop alone.
class application {
 public:
  /// @param started    the configuration, without errors
  /// @param keeps_level  the log's level is not the configuration's to choose
  /// @param inherited  sockets bound before this process began; see inherit_sockets()
  application(const config::load_result& started, logging& log, bool keeps_level,
              std::vector<inherited_socket> inherited);
  ~application();
  application(const application&) = delete;
  application& operator=(const application&) = delete;

  /// Binds, gives up root, starts plugins, serves. Throws std::runtime_error, whose text is fit for
  /// the operator, if that is not to be.
  /// @param as_root  called when all is bound, before root is given up
  void start(const std::function<void()>& as_root = {});

  /// Stops accepting and waits until nothing is in flight, then stops plugins and services.
  /// @param hurry  called again and again while waiting, for a pause in which the main loop may
  ///               run; true: wait no longer
  /// @return  false: a plugin does not return, and threads are stuck in it. Don't destroy this
  /// object
  ///          then; end the process.
  bool stop(const std::function<bool()>& hurry);

  /// Puts another configuration into force, or says why not, and then nothing has changed.
  /// @param wanted     without errors
  /// @param plan_only  says what it would do
  reload_report reload(const config::load_result& wanted, bool plan_only = false);

  /// Where plugins come from; to be watched, and rescan() be called when something has changed.
  const std::vector<std::string>& plugin_directories() const noexcept {
    return settings_.plugins.directories;
  }
  /// Asked of a plugin's file: whether somebody is still writing it.
  void set_unfinished(std::function<bool(const std::string& path)> is_unfinished) {
    is_unfinished_ = std::move(is_unfinished);
  }
  /// Looks through the plugin directories, and serves what is there now. Does not throw: what goes
  /// wrong is logged.
  void rescan();
  /// Loads a plugin again, though its file is the same. Empty: it runs; else why not, and the one
  /// of before goes on.
  std::string restart_plugin(const std::string& name);

  /// Ends what has been replaced and can end now.
  /// @return whether there was nothing to do; else it wants to be called several times a second
  bool tidy();

  std::string status() const;  ///< one line, for systemctl status

  // For operators.
  const std::vector<std::shared_ptr<service>>& services() const noexcept { return services_; }
  const plugin_host& plugins() const noexcept { return plugins_; }
  std::size_t loops() const noexcept { return loops_.size(); }
  const std::vector<vsoa::socket_address>& position_addresses() const noexcept {
    return position_addresses_;
  }

 private:
  friend class reload_steps;

  void listen();
  void forward();
  void start_plugins();
  void start_services();
  void listen(service& s, const vsoa::socket_address& wanted, vsoa::bound_sockets sockets);
  void make_position(const std::vector<vsoa::socket_address>& listen);
  void restart_position(std::vector<vsoa::socket_address> before,
                        const std::vector<vsoa::socket_address>& listen);
  std::vector<std::string> update_plugins(const std::vector<std::string>& anew);
  void host_services(const std::vector<std::shared_ptr<service>>& all);
  void tell_own_services();
  void update_directory();
  void await_loops();
  void tell(const reload_report& report) const;
  std::vector<service_wishes> wishes() const;
  vsoa::name_resolver resolver();
  bool is_idle() const;
  bool loops_answer(std::chrono::steady_clock::time_point deadline,
                    const std::function<bool()>& hurry);
  bool drain(std::chrono::steady_clock::time_point deadline, const std::function<bool()>& hurry);
  std::string position_summary() const;

  config::load_result started_;     // what needs a restart is compared with this
  config::load_result loaded_;      // what is in force, but for that
  config::configuration settings_;  // what is in force
  logging& log_;
  const bool keeps_level_;
  vsoa::runtime loops_;
  reclaimer old_;
  listening_sockets sockets_;
  std::vector<std::shared_ptr<service>> services_;  // in the order of the configuration
  vsoa_service last_id_ = 0;
  directory directory_;
  own_services own_;
  std::unique_ptr<vsoa::position_server> position_;
  std::vector<vsoa::socket_address> position_addresses_;
  plugin_host plugins_;  // its queues end before what their jobs use
  std::function<bool(const std::string&)> is_unfinished_;
  std::unique_ptr<watchdog> watchdog_;  // from start() on, to the end
};

/// Has the sockets of an address had ready by `get`; throws std::runtime_error, fit for the
/// operator, if that is not to be.
template <class Get>
auto sockets_for(const std::string& who, Get get) {
  try {
    return get();
  } catch (const std::system_error& e) {
    throw std::runtime_error(why_not_listening(who, e));
  }
}

}  // namespace vsoad
