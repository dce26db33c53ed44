// What is wrong with commands that another server answers.
#pragma once

#include "builder.hpp"
#include "diagnostic.hpp"

namespace vsoad::config {

/// Findings are reported at the keys that they are about.
/// @param read_files  whether the files of TLS may be looked into
void check_forward(const builder& built, bool read_files, report& findings);

}  // namespace vsoad::config
