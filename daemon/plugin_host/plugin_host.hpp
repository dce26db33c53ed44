// The plugins of the daemon: finds them, maps them, starts and stops them, and knows what is wrong
// with those it does not serve.
//
// In order:
//  1. add_service() for each service of the configuration; the servers exist, and may listen.
//  2. load(): vets and maps what is in the directories. plugins() is complete and sorted by name.
//  3. resolve() (mount.hpp) for each service over outlines(); enable() each plugin of `plugins` and
//     `routes` in that service.
//  4. start(): each plugin that is in some service. Those may publish and use timers at once.
//  5. resolve() again: outlines() has lost those that did not start. Give the routes to the
//  servers,
//     log the complaints, let the servers accept.
// At the end stop(), while the servers and the runtime still run: plugins answer what they can.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "plugin_host/loader.hpp"
#include "plugin_host/mount.hpp"
#include "plugin_host/plugin.hpp"
#include "plugin_host/plugin_metrics.hpp"
#include "plugin_host/service_port.hpp"
#include "vsoa/log.hpp"
#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"
#include "vsoa/work_queue.hpp"

namespace vsoad {

struct environment;

/// Threads: one at a time, from one thread; the const members from any thread once start() is over.
class plugin_host {
 public:
  /// @param loops  must outlive this object, and run until stop() has returned
  /// @param stall_warning  see stall_monitor.hpp; zero: off
  plugin_host(vsoa::runtime& loops, const config::plugins_settings& settings,
              const std::map<std::string, config::work_queue_settings>& queues,
              std::chrono::milliseconds stall_warning, vsoa::log_sink log);
  ~plugin_host();  ///< stops
  plugin_host(const plugin_host&) = delete;
  plugin_host& operator=(const plugin_host&) = delete;

  /// Makes a service known to plugins. Before load().
  /// @param id  1 for the first of the configuration, then one more for each
  /// @param server   must live until stop() has returned
  /// @param publish  how plugins publish in it; by default straight through the server
  void add_service(vsoa_service id, std::string name, vsoa::server& server, publisher publish = {});
  void load();
  void enable(plugin& which, vsoa_service service) noexcept { which.enable(service); }
  void start();
  /// In reverse order of start(): waits for callbacks and jobs, calls stop(), answers what was
  /// left. Commands that still come are answered NO_RESPONDING. Idempotent.
  /// @param limit  for the callbacks and jobs of each plugin, and again for its stop()
  /// @param hurry  asked now and then while waiting; true: a tenth of a second is the limit then
  /// @return false: some plugin's code does not return. Its threads, loops or queues may be stuck
  ///         in it: the process had better end without joining them
  bool stop(std::chrono::milliseconds limit = std::chrono::seconds(5),
            const std::function<bool()>& hurry = {}) noexcept;

  /// All that were loaded, sorted by name; also those not started, and those that failed to.
  std::span<const std::unique_ptr<plugin>> plugins() const noexcept { return plugins_; }
  /// For resolve(): those that may serve. Before start() all; afterwards those that run.
  std::vector<plugin_outline> outlines() const;
  const config::plugins_settings& settings() const noexcept { return settings_; }
  /// Null: there is none of this name.
  plugin* find(std::string_view name) const noexcept;
  /// A work queue of the configuration. Null: there is none of this name.
  vsoa::work_queue* queue(std::string_view name) const noexcept;

  /// Files and directories that were refused, and plugins that did not start.
  const std::vector<plugin_failure>& failures() const noexcept { return failures_; }
  /// Counters and gauges of all plugins, by plugin and name.
  std::vector<plugin_metric> metrics() const;
  /// One line for each plugin that ran: what went wrong with it, and its own counters and gauges.
  std::vector<std::string> summary() const;

 private:
  const config::plugins_settings settings_;
  std::unique_ptr<environment> env_;
  std::vector<std::unique_ptr<plugin>> plugins_;
  std::vector<plugin*> started_;
  std::vector<plugin_failure> failures_;
  bool is_started_ = false;
};

}  // namespace vsoad
