// The robot of a client: connects, watches the connection, and connects again, for ever. Source:
// the wire notes, lib/README.md, "The client".
#pragma once

#include <chrono>

#include "vsoa/connect_options.hpp"

namespace vsoa {

/// How a robot connects, watches and waits.
struct robot_options {
  /// Of each attempt; its timeout is at least 50 ms.
  connect_options connect;
  /// A ping each; at least 50 ms. When more than `max_lost` in a row have not been answered within
  /// it, the connection is lost and reset.
  std::chrono::milliseconds keepalive{3000};
  /// See `keepalive`. 0: the first one that is not answered is the end.
  unsigned max_lost = 3;
  /// From a failed attempt, or the loss of a connection, to the next attempt; at least 20 ms.
  std::chrono::milliseconds reconnect_delay{1000};
  /// More than `reconnect_delay`: attempts that fail one after the other wait longer and longer, up
  /// to this; each at random between half of a bound that doubles and all of it, so that clients of
  /// one server do not all come at one time. 0: always `reconnect_delay`.
  std::chrono::milliseconds max_reconnect_delay{0};
  /// While calls are pending, a NOOP each, so that TCP notices lost segments soon: 25 ms to
  /// `keepalive`, else it is off. 0: off.
  std::chrono::milliseconds turbo{0};
  /// Whether subscriptions that the server had granted are made again after a reconnect, before
  /// on_connect is told.
  bool restore_subscriptions = true;
};

}  // namespace vsoa
