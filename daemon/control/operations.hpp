// What an operator can ask of the daemon. The daemon implements it; the control socket's protocol
// is made of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "control/json_writer.hpp"
#include "control/request.hpp"
#include "vsoa/log.hpp"

namespace vsoad::control {

/// All are called on the main loop, one after the other. Each writes the members of its answer, or
/// says why not; what it has written then is dropped.
class operations {
 public:
  using outcome = std::optional<failure>;  ///< nothing: done

  virtual ~operations() = default;

  virtual outcome status(json_writer& out) = 0;
  virtual outcome services(json_writer& out) = 0;
  /// @param service  empty: all
  /// @param limit    of clients that are listed
  virtual outcome clients(json_writer& out, const std::string& service, std::size_t limit) = 0;
  virtual outcome plugins(json_writer& out) = 0;
  /// @param service  empty: all
  /// @param limit    of subscribed URLs, and of retained values, that are listed of each service
  virtual outcome topics(json_writer& out, const std::string& service, std::size_t limit) = 0;
  /// Reads the configuration again and, unless only the plan is wanted, applies it.
  virtual outcome reload(json_writer& out, bool plan_only) = 0;
  virtual outcome log_level(json_writer& out, vsoa::log_level least) = 0;
  /// @param client  as clients() lists it: "cabin/4711"
  virtual outcome disconnect(json_writer& out, const std::string& client) = 0;
  virtual outcome restart_plugin(json_writer& out, const std::string& name) = 0;
};

/// Carries a request out.
/// @return the answer, a line without its end
std::string answer(operations& daemon, const request& asked);

}  // namespace vsoad::control
