// One publisher, many subscribers, as fast as the slowest of them reads.
#pragma once

#include <cstddef>

#include "scenario.hpp"

namespace bench {

struct fanout_shape {
  std::size_t subscribers = 1;
  std::size_t payload_bytes = 0;
  /// Each publish of a turn of the ring on a URL of its own, all of them below one that is
  /// subscribed to: nothing that remembers the URL before helps.
  bool many_urls = false;
};

/// Throws when a publish is lost, repeated or changed.
sample run_fanout(const server& under_test, const budget& limits, const fanout_shape& shape);

}  // namespace bench
