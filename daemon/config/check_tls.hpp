// What is wrong with the TLS of services and with the files that it names.
#pragma once

#include "builder.hpp"
#include "diagnostic.hpp"

namespace vsoad::config {

/// Findings are reported at the keys that they are about.
/// @param read_files  whether the files may be looked into
void check_tls(const builder& built, bool read_files, report& findings);

}  // namespace vsoad::config
