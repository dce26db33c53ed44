// Tells systemd how vsoad is. Without systemd all of this does nothing.
#pragma once

#include <string_view>

namespace vsoad::notify {

// Control characters in `status` are replaced: a line end would begin another message to systemd.
// Any thread.

void ready(std::string_view status) noexcept;   ///< READY=1: the services can be reached
void status(std::string_view status) noexcept;  ///< the line that `systemctl status` shows
void stopping() noexcept;                       ///< STOPPING=1
void alive() noexcept;                          ///< WATCHDOG=1

}  // namespace vsoad::notify
