// Where the control socket is, as configuration and environment have it.
#pragma once

#include <memory>

#include "config/config.hpp"
#include "control/server.hpp"
#include "vsoad/logging.hpp"

namespace vsoad {

/// Opens it. Where the configuration names none, one that can't be had is a warning in the log.
/// Before privileges are given up: its folder, or its group, may need them.
/// @return null: there is none. Throws std::runtime_error if one that is named can't be had.
std::unique_ptr<control::server> open_control_socket(const config::control_settings& settings,
                                                     boost::asio::io_context& where,
                                                     control::operations& daemon,
                                                     const logging& log);

}  // namespace vsoad
