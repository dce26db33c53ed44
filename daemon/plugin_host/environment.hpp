// What all plugins share: the loops, the log, the named work queues, the services.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.hpp"
#include "plugin_host/service_port.hpp"
#include "plugin_host/stall_monitor.hpp"
#include "vsoa/log.hpp"
#include "vsoa/plugin.h"
#include "vsoa/runtime.hpp"
#include "vsoa/work_queue.hpp"

namespace vsoad {

/// The queues of the configuration, by name.
class work_queues {
 public:
  explicit work_queues(const std::map<std::string, config::work_queue_settings>& settings) {
    for (const auto& [name, one] : settings) {
      queues_.emplace(name, std::make_unique<vsoa::work_queue>(one.threads, one.limit));
    }
  }

  /// Runs what is queued and ends the threads.
  void end() { queues_.clear(); }
  /// Null: there is none of this name.
  vsoa::work_queue* find(std::string_view name) const {
    const auto found = queues_.find(name);
    return found == queues_.end() ? nullptr : found->second.get();
  }

 private:
  std::map<std::string, std::unique_ptr<vsoa::work_queue>, std::less<>> queues_;
};

/// Set up by plugin_host; `services` does not change any more once plugins are loaded.
struct environment {
  struct service {
    std::string name;
    std::unique_ptr<service_port> port;
  };

  environment(vsoa::runtime& runtime, vsoa::log_sink sink, std::chrono::milliseconds stall_warning,
              const std::map<std::string, config::work_queue_settings>& queue_settings)
      : loops(runtime), log(std::move(sink)), stalls(stall_warning, log), queues(queue_settings) {}

  /// Null: there is no such service.
  service_port* port(vsoa_service id) const noexcept {
    return id == 0 || id > services.size() ? nullptr : services[id - 1].port.get();
  }

  void tell(vsoa::log_level level, std::string_view line) const {
    if (log) log(level, line);
  }

  vsoa::runtime& loops;
  const vsoa::log_sink log;
  std::vector<service> services;  // number n at n - 1
  stall_monitor stalls;
  work_queues queues;  // destroyed first: its jobs may use all the others
};

}  // namespace vsoad
