// The plugins of the daemon: finds them, maps them, starts and stops them, replaces them while it
// runs, and knows what is wrong with those it does not serve.
//
// Whatever changes, at the start as later, goes in these steps:
//  1. set_services(), if those have changed: the servers exist.
//  2. prepare(): looks through the directories, maps what is new, starts what some service uses.
//     Nothing is served yet by what it makes; a plugin that is to be replaced goes on. Dropped, it
//     leaves no trace.
//  3. apply(): find() and outlines() know the new ones. Give each service its routes now.
//  4. retire(), now and then, until nothing is left: stops and unmaps those replaced, once the
//  calls
//     that they had under way have ended.
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
#include "plugin_host/catalogue.hpp"
#include "plugin_host/loader.hpp"
#include "plugin_host/mount.hpp"
#include "plugin_host/plugin.hpp"
#include "plugin_host/plugin_metrics.hpp"
#include "plugin_host/reclaimer.hpp"
#include "plugin_host/service_port.hpp"
#include "vsoa/log.hpp"
#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"
#include "vsoa/work_queue.hpp"

namespace vsoad {

struct environment;
namespace isolation {
class supervisor;
}
struct hosted_service;
class plugin_update;

/// One name in the plugin directories.
struct plugin_slot {
  std::string name;
  plugin_file file;                  ///< as it was tried last
  config::plugin_settings settings;  ///< with which it was tried
  std::shared_ptr<plugin> what;      ///< null: it could not be loaded, and there is none of before
  /// Why the file is not served, or not with these settings; empty: it is. With `what`, that is the
  /// one of before, which goes on.
  std::string failure;
  std::map<std::string, config::work_queue_settings> queues;  ///< as there were when it was loaded
  std::vector<vsoa_service> services;                         ///< that it is in, if it runs
};

/// A service, and what it wants of plugins.
struct service_wishes {
  vsoa_service id;
  const config::service_settings* settings;
};

/// Threads: one at a time, from one thread, which is no loop's; find() and the const members also
/// under the reclaimer, as long as that thread changes nothing.
class plugin_host {
 public:
  using queue_settings = std::map<std::string, config::work_queue_settings>;

  /// @param loops  must outlive this object, and run until stop() has returned
  /// @param old    the same
  /// @param stall_warning  see stall_monitor.hpp; zero: off
  plugin_host(vsoa::runtime& loops, reclaimer& old, const queue_settings& queues,
              std::chrono::milliseconds stall_warning, vsoa::log_sink log);
  ~plugin_host();  ///< stops
  plugin_host(const plugin_host&) = delete;
  plugin_host& operator=(const plugin_host&) = delete;

  /// Where vsoad-plugin is, for plugins with isolation: process. Default: beside this program, or
  /// where it is installed.
  void set_child_program(std::string path) { child_program_ = std::move(path); }
  /// The services that plugins may be in, in order of id. Their servers live until the reclaimer
  /// has let go of those that are not in it any more.
  void set_services(std::vector<hosted_service> services);
  void set_queues(const queue_settings& queues);

  /// See the head of this file.
  /// @param is_unfinished  files that are still being written: they are left as they are
  /// @param anew           names of plugins that are to be loaded again though nothing has changed
  std::unique_ptr<plugin_update> prepare(
      const config::plugins_settings& wanted, std::span<const service_wishes> services,
      const std::function<bool(const std::string& path)>& is_unfinished = {},
      std::span<const std::string> anew = {});
  void apply(std::unique_ptr<plugin_update> update);
  /// Says once more which services the plugins are in, to those that keep count of clients. After
  /// the services have been given their routes.
  void announce();
  bool is_retiring() const noexcept { return !retired_.empty(); }
  /// @param now  stops them whatever they have under way
  /// @return true: none is left
  bool retire(bool now = false);

  /// In reverse order of their start: waits for callbacks and jobs, calls stop(), answers what was
  /// left. Commands that still come are answered NO_RESPONDING. Idempotent.
  /// @param limit  for the callbacks and jobs of each plugin, and again for its stop()
  /// @param hurry  asked now and then while waiting; true: a tenth of a second is the limit then
  /// @return false: some plugin's code does not return. Its threads, loops or queues may be stuck
  ///         in it: the process had better end without joining them
  bool stop(std::chrono::milliseconds limit = std::chrono::seconds(5),
            const std::function<bool()>& hurry = {}) noexcept;

  /// What there is in the directories, in order of name.
  const std::vector<plugin_slot>& slots() const noexcept { return slots_; }
  /// For resolve(): those that run.
  std::vector<plugin_outline> outlines() const;
  const config::plugins_settings& settings() const noexcept { return settings_; }
  /// Null: there is none of this name.
  std::shared_ptr<plugin> find(std::string_view name) const noexcept;

  /// Files and directories that were refused, and plugins that did not start.
  std::vector<plugin_failure> failures() const;
  /// Counters and gauges of all plugins, by plugin and name.
  std::vector<plugin_metric> metrics() const;
  /// One line for each plugin that ran: what went wrong with it, and its own counters and gauges.
  std::vector<std::string> summary() const;

 private:
  friend class plugin_update;
  struct retired {
    std::shared_ptr<plugin> what;
    std::chrono::steady_clock::time_point until;
  };

  bool stop_retired(std::vector<retired>& all, bool now);
  /// Vets and loads a file, into this process or one of its own. Null: why not is in `reason`.
  std::shared_ptr<plugin> load_plugin(const plugin_slot& slot, std::string& reason);

  config::plugins_settings settings_;
  reclaimer& old_;
  std::unique_ptr<environment> env_;
  std::shared_ptr<isolation::supervisor> supervisor_;  // once a plugin is isolated
  std::string child_program_;
  std::vector<plugin_slot> slots_;
  std::vector<std::pair<std::string, std::string>> refused_paths_;
  std::vector<std::weak_ptr<plugin>> started_;  // in this order
  std::vector<retired> retired_;                // to be stopped
  std::vector<std::shared_ptr<plugin>> stuck_;  // whose code does not return
  std::vector<std::string> said_;               // of the directories: not again
  std::size_t made_ = 0;                        // plugins, ever
};

}  // namespace vsoad
