#include "vsoad/control_socket.hpp"

#include <sys/stat.h>

#include <stdexcept>
#include <string>

#include "control/peer.hpp"
#include "control/socket_path.hpp"

namespace vsoad {
namespace {

constexpr const char* usual_group = "vsoad";

control::server_options choose(const config::control_settings& settings) {
  control::server_options out;
  out.path = settings.socket.value_or(control::usual_socket());
  if (settings.group) {
    out.group = *settings.group;
  } else if (control::is_local_group(usual_group)) {
    out.group = usual_group;
  }
  return out;
}

}  // namespace

std::unique_ptr<control::server> open_control_socket(const config::control_settings& settings,
                                                     boost::asio::io_context& where,
                                                     control::operations& daemon,
                                                     const logging& log) {
  if (settings.socket && settings.socket->empty()) return nullptr;
  const control::server_options options = choose(settings);
  auto out = std::make_unique<control::server>(where, daemon, log.sink());
  // Without systemd nobody else makes it; who may not is told below.
  if (options.path == std::string(control::usual_directory) + "/control.sock")
    (void)::mkdir(control::usual_directory, 0755);
  try {
    out->listen(options);
  } catch (const std::runtime_error& e) {
    if (settings.socket || settings.group) throw;
    log.warning(std::string(e.what()) + "; vsoactl can't reach this vsoad");
    return nullptr;
  }
  log.info("control socket " + options.path);
  if (settings.group && !settings.group->empty() && !out->group_has_access()) {
    log.warning("control.group: vsoad is neither root nor in the group \"" + options.group +
                "\", so its members can't use the control socket");
  }
  return out;
}

}  // namespace vsoad
