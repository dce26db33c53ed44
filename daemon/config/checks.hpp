// Checks of one part of the configuration against another.
#pragma once

#include "builder.hpp"

namespace vsoad::config {

void check_references(const builder& built, report& findings);

}  // namespace vsoad::config
