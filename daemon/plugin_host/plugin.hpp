// One plugin, as the broker sees it, wherever its code runs: in this process (inline_plugin.hpp),
// or in one of its own (isolation/isolated_plugin.hpp).
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "plugin_host/descriptor.hpp"
#include "plugin_host/mount.hpp"
#include "plugin_host/patience.hpp"
#include "plugin_host/plugin_metrics.hpp"
#include "vsoa/packet.hpp"
#include "vsoa/plugin.h"
#include "vsoa/server.hpp"
#include "vsoa/work_queue.hpp"

namespace vsoad {

/// What went wrong with a plugin, since it was made.
struct plugin_counts {
  std::uint64_t stalls = 0;           ///< callbacks that kept a loop for runtime.stall_warning
  std::uint64_t calls_refused = 0;    ///< answered NO_MEMORY: too many waited
  std::uint64_t calls_timed_out = 0;  ///< answered NO_RESPONDING: their time was over
  std::uint64_t datagrams_lost = 0;   ///< too many waited
  std::uint64_t events_refused = 0;   ///< clients closed since their events found too many waiting

  bool operator==(const plugin_counts&) const = default;
};

/// Where its code runs, and how that goes.
struct plugin_state {
  bool is_isolated = false;
  std::string phase = "running";  ///< starting, running, waiting (to be started again), stopped
  std::int64_t pid = 0;           ///< of its process, while there is one
  std::chrono::system_clock::time_point since{};  ///< that its process runs
  std::uint64_t restarts = 0;
  std::string last_exit;           ///< why its process ended last; empty: it has not
  std::uint64_t memory_bytes = 0;  ///< of its process, as measured last
};

/// A plugin and its instance. Made, started and stopped by plugin_host; the broker hands it calls
/// and events. These may come on any thread; the plugin sees them one at a time unless it is
/// CONCURRENT, and none before it has started or after its end.
class plugin {
 public:
  plugin(const plugin_descriptor& about, std::string file, config::plugin_settings settings);
  virtual ~plugin();
  plugin(const plugin&) = delete;
  plugin& operator=(const plugin&) = delete;

  // --- what it is; from load() on ---
  const std::string& name() const noexcept { return name_; }
  const std::string& version() const noexcept { return version_; }
  const std::string& description() const noexcept { return description_; }
  const std::string& file() const noexcept { return file_; }
  std::span<const std::string> commands() const noexcept { return commands_; }
  /// The queue of the configuration, empty: none.
  const std::string& work_queue() const noexcept { return settings_.work_queue; }
  bool needs_config() const noexcept { return (flags_ & VSOA_PLUGIN_NEEDS_CONFIG) != 0; }
  bool has_config() const noexcept { return settings_.has_config; }
  plugin_outline outline() const { return {name_, commands_, flags_}; }
  bool wants_datagrams() const noexcept { return wants_datagrams_; }
  bool wants_clients() const noexcept { return wants_clients_; }
  bool wants_subscriptions() const noexcept { return wants_subscriptions_; }
  /// From start() to stop().
  virtual bool is_running() const noexcept = 0;

  // --- calls and events; from start() on ---

  /// Where the server is to run the handler of a route that has a work queue; null: on the loop.
  virtual vsoa::work_queue* queue_for(const route& where) const noexcept = 0;
  /// Runs a command: on the thread of the caller, which is the loop of the client or a thread of
  /// queue_for(where). If it can't be run now, a loop does not wait: the call is deferred.
  /// Answered NO_RESPONDING: the plugin is not running, or it threw. NO_MEMORY: too many wait.
  /// With `where.timeout`: NO_RESPONDING, too, when that is over, and the plugin's own answer
  /// dropped; whatever it waits for counts.
  /// @param where  a route to this plugin; must live until stop()
  virtual void command(vsoa_service service, const route& where, vsoa::call& call) noexcept = 0;
  /// Lost when too many wait. All arguments are copied if need be.
  virtual void datagram(vsoa_service service, vsoa::client_id client, std::string_view url,
                        vsoa::payload_view payload, vsoa::channel via) noexcept = 0;
  virtual void client(vsoa_service service, vsoa::client_id client, bool connected) noexcept = 0;
  virtual void subscription(vsoa_service service, vsoa::client_id client,
                            std::span<const std::string_view> urls, bool subscribed) noexcept = 0;

  virtual plugin_state state() const = 0;
  virtual plugin_counts counts() const = 0;
  /// Appends its counters and gauges, by name.
  virtual void metrics(std::vector<plugin_metric>& out) const = 0;
  virtual std::size_t calls_deferred() const = 0;  ///< taken out of their callbacks, unanswered

  // --- for plugin_host ---

  /// The services that it is in from now on, in order. Before start(), and whenever that changes.
  virtual void set_services(std::vector<vsoa_service> services) = 0;
  /// @return why it does not run, and is unmapped now; empty: it runs
  virtual std::string start() = 0;
  /// No service uses it: its code need not be in memory, for it is loaded anew before a start().
  virtual void rest() noexcept {}
  /// Nothing of it is under way: no call, job or stream. Timers may run.
  virtual bool is_quiet() const = 0;
  /// It gets no more calls and events, and stop() follows once what is under way has ended.
  virtual void replaced() noexcept {}
  /// Stops and unmaps. False if its code, stop() included, could not be made to return within
  /// `limit`: it is left as it is, mapped, and this object must stay, too.
  virtual bool stop(patience& limit) noexcept = 0;

 protected:
  const config::plugin_settings& settings() const noexcept { return settings_; }

 private:
  const std::string name_, version_, description_, file_;
  const std::vector<std::string> commands_;
  const std::uint32_t flags_;
  const bool wants_datagrams_, wants_clients_, wants_subscriptions_;
  const config::plugin_settings settings_;
};

}  // namespace vsoad
