// How vsoactl ends, for scripts: part of its contract, see vsoactl(1).
#pragma once

#include <system_error>

namespace vsoad::ctl {

enum exit_code : int {
  exit_ok = 0,
  exit_refused = 1,        ///< answered with another status than SUCCESS, or a file failed
  exit_usage = 2,          ///< the command line is wrong
  exit_no_connection = 3,  ///< the name is unknown, the server unreachable, or no VSOA server
  exit_no_answer = 4,      ///< connected, but no answer in time, or the connection was lost
  exit_not_admitted = 5,   ///< wrong password, or TLS failed
};

/// For what an operation of the client has ended with.
exit_code exit_code_of(const std::error_code& error);

}  // namespace vsoad::ctl
