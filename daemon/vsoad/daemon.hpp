// The daemon while it runs: the application, and what it is told from outside, by signals and
// (through systemd) what it tells.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/load.hpp"
#include "vsoad/application.hpp"
#include "vsoad/logging.hpp"
#include "vsoad/main_loop.hpp"
#include "vsoad/options.hpp"
#include "vsoad/plugin_watch.hpp"

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
  void reload();
  void rescan();
  void tell_status();
  bool is_in_a_hurry();

  const options options_;
  logging& log_;
  main_loop loop_;
  application application_;
  plugin_watch watch_;
  std::string told_status_;
  bool is_stopping_ = false;
  bool hurry_ = false;
};

}  // namespace vsoad
