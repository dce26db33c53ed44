// The inside of one plugin, which its callbacks (plugin.cpp) and its host functions
// (host_table.cpp) share. Outlives the plugin's code, so that a host call which comes too late
// finds closed doors instead of freed memory.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "plugin_host/callback_runner.hpp"
#include "plugin_host/deferred_calls.hpp"
#include "plugin_host/environment.hpp"
#include "plugin_host/plugin_metrics.hpp"
#include "plugin_host/plugin_streams.hpp"
#include "plugin_host/plugin_timers.hpp"
#include "plugin_host/rundown.hpp"
#include "vsoa/plugin.h"

namespace vsoad {

struct plugin_core {
  /// @param number  of this plugin: spreads the plugins' timers over the loops
  plugin_core(environment& shared, std::string plugin_name, bool is_concurrent,
              std::string_view work_queue, std::size_t number);

  void log(vsoa::log_level level, std::string_view text) const {
    env.tell(level, "plugin " + name + ": " + std::string(text));
  }

  /// A service that this plugin is in; null for all others.
  service_port* port(vsoa_service id) const noexcept {
    return is_enabled(id) ? env.port(id) : nullptr;
  }
  bool is_enabled(vsoa_service id) const noexcept {
    return id != 0 && id <= env.services.size() && enabled[id - 1].load(std::memory_order_acquire);
  }

  /// What the plugin is given: the functions, and, because it comes first, the way back to this
  /// object.
  struct table_and_owner {
    vsoa_host table;
    plugin_core* owner;
  } host;

  environment& env;
  const std::string name;
  vsoa::work_queue* const own_queue;                   // null: none
  const std::unique_ptr<std::atomic<bool>[]> enabled;  // by service number - 1

  stall_subject timer_subject, stream_subject;
  callback_runner runner;
  plugin_timers timers;
  plugin_streams streams;
  deferred_calls deferred;
  plugin_metrics metrics;
  rundown jobs;        // open until stop() begins: jobs of queue_add
  rundown host_calls;  // open until stop() has returned
};

}  // namespace vsoad

/// A call during its callback, on the host's stack. Deferred ones are tokens, see
/// deferred_calls.hpp.
struct vsoa_call {
  vsoa::call* direct = nullptr;  // null: `kept` is the right to answer
  vsoa::deferred_call kept;
  vsoa_call* token = nullptr;  // if set, the right is kept under it, as the call's time is limited
  bool is_open = true;

  /// The call whose callback runs on this thread.
  static thread_local vsoa_call* current;
};
