// What is wrong with the TLS of services and with the files that it names.
#pragma once

#include <string>

#include "builder.hpp"
#include "diagnostic.hpp"
#include "vsoa/tls.hpp"

namespace vsoad::config {

/// Findings are reported at the keys that they are about.
/// @param read_files  whether the files may be looked into
void check_tls(const builder& built, bool read_files, report& findings);

/// The same for the options of one section, such as "services[0].tls".
void check_tls_files(const builder& built, const vsoa::tls_options& options, vsoa::tls_role role,
                     const std::string& section, report& findings);

}  // namespace vsoad::config
