// Other brokers beside vsoad, where they are installed.
#pragma once

#include <string>
#include <vector>

#include "servers.hpp"

namespace bench {

/// A side for each of these: redis, nats, mosquitto, npm, or "all" for those that are there.
/// Throws std::invalid_argument for an unknown one, and for a named one that is not there.
/// @param node_modules  the folder that holds the npm package vsoa; may be empty
std::vector<side> peer_sides(const std::vector<std::string>& names, int core,
                             const std::string& node_modules);

}  // namespace bench
