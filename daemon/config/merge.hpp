// Included files.
#pragma once

#include <string>

#include "document.hpp"
#include "schema.hpp"

namespace vsoad::config {

/// `into` with what `from` adds: lists are appended, mappings merged. What both set is reported and
/// stays as it is in `into`.
node_ptr merge_documents(const node_ptr& into, const node_ptr& from, report& findings);

}  // namespace vsoad::config
