// The inside of one plugin, which its callbacks (plugin.cpp) and its host functions
// (host_table.cpp) share. Outlives the plugin's code, so that a host call which comes too late
// finds closed doors instead of freed memory.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "plugin_host/callback_runner.hpp"
#include "plugin_host/deferred_calls.hpp"
#include "plugin_host/environment.hpp"
#include "plugin_host/plugin_metrics.hpp"
#include "plugin_host/plugin_streams.hpp"
#include "plugin_host/plugin_timers.hpp"
#include "plugin_host/reclaimer.hpp"
#include "plugin_host/rundown.hpp"
#include "vsoa/plugin.h"

namespace vsoad {

/// What a plugin says, at error, while it starts: why it does not. Any thread.
class last_words {
 public:
  void begin();
  /// Before begin() and after end() nothing is kept.
  void hear(vsoa::log_level level, std::string_view text);
  /// The last that was heard; empty: nothing was.
  std::string end();

 private:
  std::mutex mutex_;
  bool listens_ = false;
  std::string text_;
};

struct plugin_core {
  /// @param number  of this plugin: spreads the plugins' timers over the loops
  plugin_core(environment& shared, std::string plugin_name, bool is_concurrent,
              std::string_view work_queue, std::size_t number);

  void log(vsoa::log_level level, std::string_view text) const {
    env.tell(level, "plugin " + name + ": " + std::string(text));
  }

  // These for who reads under the reclaimer.
  /// A service that this plugin is in; null for all others.
  const hosted_service* service(vsoa_service id) const noexcept {
    return is_in(id) ? env.find(id) : nullptr;
  }
  service_port* port(vsoa_service id) const noexcept {
    const hosted_service* const found = service(id);
    return found == nullptr ? nullptr : found->port.get();
  }
  bool is_in(vsoa_service id) const noexcept {
    const auto& all = services.read();
    return std::find(all.begin(), all.end(), id) != all.end();
  }

  /// What the plugin is given: the functions, and, because it comes first, the way back to this
  /// object.
  struct table_and_owner {
    vsoa_host table;
    plugin_core* owner;
  } host;

  environment& env;
  const std::string name;
  vsoa::work_queue* const own_queue;              // null: none
  published<std::vector<vsoa_service>> services;  // that it is in

  stall_subject timer_subject, stream_subject;
  callback_runner runner;
  plugin_timers timers;
  plugin_streams streams;
  deferred_calls deferred;
  plugin_metrics metrics;
  last_words words;
  rundown jobs;        // open until stop() begins: jobs of queue_add
  rundown host_calls;  // open until stop() has returned
};

}  // namespace vsoad

/// A call during its callback, on the host's stack. Deferred ones are tokens, see
/// deferred_calls.hpp.
struct vsoa_call {
  vsoa::call* direct = nullptr;         // null: `kept` is the right to answer
  vsoa::deferred_call* kept = nullptr;  // of who runs the callback
  vsoa_call* token = nullptr;  // if set, the right is kept under it, as the call's time is limited
  bool is_open = true;

  /// The call whose callback runs on this thread.
  static constinit thread_local vsoa_call* current;
};
