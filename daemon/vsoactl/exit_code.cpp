#include "exit_code.hpp"

#include "vsoa/error.hpp"

namespace vsoad::ctl {

exit_code exit_code_of(const std::error_code& error) {
  if (!error) return exit_ok;
  if (error == vsoa::connect_errc::invalid_password || error == vsoa::connect_errc::tls_failed)
    return exit_not_admitted;
  if (error.category() == vsoa::connect_category()) return exit_no_connection;
  if (error == vsoa::status::password) return exit_not_admitted;
  if (error.category() == vsoa::status_category()) return exit_refused;
  if (error == vsoa::errc::invalid_url || error == vsoa::errc::too_large) return exit_usage;
  return exit_no_answer;
}

}  // namespace vsoad::ctl
