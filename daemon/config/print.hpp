// A document as YAML text.
#pragma once

#include <string>

#include "document.hpp"

namespace vsoad::config {

/// Reads as the same document again, except for secrets: those are "********".
std::string print_yaml(const node& document);

}  // namespace vsoad::config
