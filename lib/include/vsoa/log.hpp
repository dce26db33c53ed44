// The library neither prints nor aborts: it tells a sink that it was given.
#pragma once

#include <functional>
#include <string_view>

namespace vsoa {

enum class log_level { trace, debug, info, warning, error };

/// Receives one line per event. Called from any thread, of loops and work queues, possibly at the
/// same time: the sink takes care of its own locking. Must not throw. Empty: nothing is logged.
using log_sink = std::function<void(log_level, std::string_view line)>;

}  // namespace vsoa
