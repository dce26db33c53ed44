// One loaded plugin, as the broker sees it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "plugin_host/callback_runner.hpp"
#include "plugin_host/mount.hpp"
#include "plugin_host/patience.hpp"
#include "vsoa/packet.hpp"
#include "vsoa/plugin.h"
#include "vsoa/server.hpp"

namespace vsoad {

class library;
struct environment;
struct plugin_core;

/// A plugin and its instance. Made, started and stopped by plugin_host; the broker hands it calls
/// and events. These may come on any thread; the plugin sees them one at a time unless it is
/// CONCURRENT, and none before it has started or after its end.
class plugin {
 public:
  plugin(std::unique_ptr<library> code, environment& env, const config::plugin_settings& settings,
         std::size_t number);
  ~plugin();
  plugin(const plugin&) = delete;
  plugin& operator=(const plugin&) = delete;

  // --- what it is; from load() on ---
  const std::string& name() const noexcept;
  const std::string& version() const noexcept;
  const std::string& description() const noexcept;
  const std::string& file() const noexcept;
  std::span<const std::string> commands() const noexcept;
  /// The queue of the configuration, empty: none.
  const std::string& work_queue() const noexcept;
  bool needs_config() const noexcept;
  bool has_config() const noexcept;
  plugin_outline outline() const;
  bool is_running() const noexcept;
  bool wants_datagrams() const noexcept;
  bool wants_clients() const noexcept;
  bool wants_subscriptions() const noexcept;

  // --- calls and events; from start() on ---

  /// Runs a command: on the thread of the caller, which is the loop of the client or, when
  /// `where.work_queue` is not empty, a thread of that queue. If another callback of a plugin that
  /// is not CONCURRENT runs, a loop does not wait: the call is deferred and run as soon as it ends.
  /// Answered NO_RESPONDING: the plugin is not running, or it threw. NO_MEMORY: too many wait.
  /// Allocates nothing when it runs at once, and its time is not limited.
  /// @param where  a route to this plugin; must live until stop()
  /// With `where.timeout`, on a loop only, whatever the work queue: the call is handed to that, and
  /// whatever it waits for or does there counts. Answered NO_RESPONDING then, and the plugin's own
  /// answer dropped.
  void command(vsoa_service service, const route& where, vsoa::call& call) noexcept;
  /// Lost when too many wait. All arguments are copied if need be.
  void datagram(vsoa_service service, vsoa::client_id client, std::string_view url,
                vsoa::payload_view payload, vsoa::channel via) noexcept;
  void client(vsoa_service service, vsoa::client_id client, bool connected) noexcept;
  void subscription(vsoa_service service, vsoa::client_id client,
                    std::span<const std::string_view> urls, bool subscribed) noexcept;

  /// How often callbacks of this plugin have kept a loop for longer than runtime.stall_warning.
  std::uint64_t stalls() const noexcept;
  std::uint64_t calls_refused() const noexcept;   ///< answered NO_MEMORY: too many waited
  std::uint64_t datagrams_lost() const noexcept;  ///< too many waited
  /// Clients closed since their events found too many waiting.
  std::uint64_t events_refused() const noexcept {
    return events_refused_.load(std::memory_order_relaxed);
  }
  std::size_t calls_deferred() const;     ///< taken out of their callbacks, unanswered
  std::uint64_t calls_timed_out() const;  ///< answered NO_RESPONDING: their time was over

  // --- for plugin_host ---

  void enable(vsoa_service service) noexcept;
  bool is_enabled() const noexcept;  ///< in any service
  /// @return why it does not run, and is unmapped now; empty: it runs
  std::string start();
  /// Stops and unmaps. False if its code, stop() included, could not be made to return within
  /// `limit`: it is left as it is, mapped, and this object must stay, too.
  bool stop(patience& limit) noexcept;
  const plugin_core& core() const noexcept { return *core_; }

 private:
  struct call_copy;
  struct subjects;

  void run_command(const vsoa_request& request, std::size_t command, vsoa_call& call) noexcept;
  void run_copy(call_copy& copy) noexcept;
  void timed_command(const route& where, vsoa::call& call, const vsoa_request& request) noexcept;
  callback_runner::outcome hand_over(const route& where, const std::shared_ptr<call_copy>& copy);
  template <class Callback>
  void guarded(const char* what, Callback callback) noexcept;
  bool close(patience& limit) noexcept;
  bool call_stop(patience& limit) noexcept;
  bool abandon(std::string_view why) noexcept;
  void finish() noexcept;
  void send_away(vsoa_service service, vsoa::client_id client);

  std::unique_ptr<library> code_;
  const config::plugin_settings settings_;
  std::unique_ptr<plugin_core> core_;
  std::unique_ptr<subjects> subjects_;
  void* state_ = nullptr;
  std::atomic<bool> is_running_{false};
  bool is_stuck_ = false;  // its code has not returned
  std::atomic<std::uint64_t> calls_refused_{0};
  std::atomic<std::uint64_t> datagrams_lost_{0};
  std::atomic<std::uint64_t> events_refused_{0};
};

}  // namespace vsoad
