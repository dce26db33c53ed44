// The daemon while it runs: the application; what it is told from outside, by signals and by the
// control socket; and what it tells systemd.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "control/server.hpp"
#include "vsoad/application.hpp"
#include "vsoad/logging.hpp"
#include "vsoad/main_loop.hpp"
#include "vsoad/operations.hpp"
#include "vsoad/options.hpp"
#include "vsoad/plugin_watch.hpp"
#include "vsoad/reloader.hpp"

namespace vsoad {

/// What vsoad is told by; to be blocked in all threads, from the beginning.
sigset_t daemon_signals();

class daemon {
 public:
  daemon(const options& chosen, const config::load_result& loaded, logging& log,
         std::vector<inherited_socket> inherited);

  /// Serves until a signal ends it. Throws std::runtime_error, fit for the operator, if it can't
  /// start. Once.
  /// @return false: threads are stuck in a plugin. Don't destroy this object, end the process
  bool run();

 private:
  void signal(int number);
  void reloaded();
  void rescan();
  void tell_status();
  bool is_in_a_hurry();

  const config::control_settings control_settings_;
  logging& log_;
  main_loop loop_;
  application application_;
  plugin_watch watch_;
  reloader reloader_;
  daemon_operations operations_;
  std::unique_ptr<control::server> control_;  // before what it serves is gone
  std::string told_status_;
  bool is_stopping_ = false;
  bool hurry_ = false;
};

}  // namespace vsoad
