// Commands that are forwarded in a circle: by what the file says, and, with addresses that are
// known only when it runs, by the daemon.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "config.hpp"

namespace vsoad::config {

/// The service, by index, to which a command is forwarded. Nothing: it is none of these, or nobody
/// knows.
using target_finder = std::function<std::optional<std::size_t>(const command_settings&)>;

/// As far as the file tells: by the name of a service, a name under position.entries, or an
/// address.
std::optional<std::size_t> target_of(const configuration& all, const command_settings& c);

/// Whether a call of the entry's own URL comes back to where it has been, as it was.
/// @param entry  index among the service's commands
bool goes_round(const std::vector<service_settings>& services, std::size_t service,
                std::size_t entry, const target_finder& target);

}  // namespace vsoad::config
