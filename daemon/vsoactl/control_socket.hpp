// The way to vsoad's control socket.
#pragma once

#include <stdexcept>
#include <string>

#include "exit_code.hpp"
#include "invocation.hpp"

namespace vsoad::ctl {

/// There is no answer. what() says why, and what to do about it.
struct control_error : std::runtime_error {
  control_error(exit_code c, const std::string& text) : runtime_error(text), code(c) {}
  exit_code code;
};

/// Sends one line to the socket of --socket, of $VSOAD_CONTROL or the usual one, and waits for the
/// line of the answer, --timeout at most. Throws control_error.
std::string ask_daemon(const invocation& use, const std::string& request);

}  // namespace vsoad::ctl
