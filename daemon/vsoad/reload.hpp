// Another configuration for a daemon that runs. First everything that it needs is had ready:
// sockets bound, files read, plugins started. What goes wrong there leaves no trace. Then it is put
// into force, and what is not different is not touched.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/service.hpp"
#include "config/load.hpp"
#include "plugin_host/plugin_update.hpp"
#include "plugin_host/unique_fd.hpp"

namespace vsoad {

class application;

/// What came of a reload.
struct reload_report {
  bool ok = true;                     ///< it is in force; of a plan: it can be, as far as is seen
  std::vector<std::string> problems;  ///< why not; or, in force, what is not as it should be
  std::vector<std::string> changes;   ///< a line each
  std::vector<std::string> needs_restart;  ///< changes that are not in force yet, a line each
};

/// The two steps.
class reload_steps {
 public:
  reload_steps(application& daemon, const config::load_result& wanted);
  ~reload_steps();  ///< leaves no trace, unless commit() has been called
  reload_steps(const reload_steps&) = delete;
  reload_steps& operator=(const reload_steps&) = delete;

  /// Throws std::exception, whose text is fit for the operator, if it can't be.
  void prepare();
  void commit(reload_report& report);

 private:
  // An address that a service does not listen on yet.
  struct place {
    vsoa::socket_address wanted, bound;
    unique_fd tcp, udp;
  };
  struct step {
    std::shared_ptr<service> what;
    std::unique_ptr<service::change> change;  // null: it is new
    bool is_new = false;
    std::vector<place> places;
  };

  void prepare_services();
  void prepare_places(step& s, const config::service_settings& wanted);
  void prepare_position();
  void prepare_plugins();
  void close_listeners(const std::vector<std::shared_ptr<service>>& gone);
  bool is_in_use(const vsoa::socket_address& bound) const;
  void commit_certificates(reload_report& report);
  void commit_service(step& s, reload_report& report);
  template <class Work>
  static void attempt(reload_report& report, const std::string& who, Work work);
  std::vector<std::vector<vsoa::socket_address>> addresses() const;

  application& daemon_;
  config::configuration settings_;                    // what will be in force
  std::vector<step> steps_;                           // in the order of the configuration
  std::vector<vsoa::socket_address> position_bound_;  // by us
  std::unique_ptr<plugin_update> plugins_;
  bool is_committed_ = false;
};

}  // namespace vsoad
