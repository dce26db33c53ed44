// One plugin in a process of its own: the same loader, callbacks, timers, queues and streams as in
// the daemon (inline_plugin), over services that are the daemon's (remote_port).
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plugin_host/child/daemon_link.hpp"
#include "plugin_host/environment.hpp"
#include "plugin_host/inline_plugin.hpp"
#include "plugin_host/isolation/control.hpp"
#include "plugin_host/loader.hpp"

namespace vsoad::isolation {

/// Its descriptors are those of control.hpp. Used by the main thread; what runs on the loops is in
/// the private part.
class runner {
 public:
  explicit runner(setup wanted);
  ~runner();
  runner(const runner&) = delete;
  runner& operator=(const runner&) = delete;

  /// Maps the plugin and tells the daemon what it is. False: it can't run here, and the daemon has
  /// been told why.
  bool load();
  /// Does what the daemon says, until it says stop, or is gone.
  /// @return the exit code
  int run();

 private:
  class relayed_call;
  class queued_call;
  struct lane;

  void open_channels();
  bool handle(received& message);
  void start(std::string_view bytes, int config);
  std::vector<vsoa_service> take_services(std::string_view bytes);
  void take_stream(std::string_view bytes, unique_fd socket);
  int stop(std::chrono::milliseconds limit);
  void flush();
  void report();

  // On the loops.
  void on_call(vsoa::call& c);
  void queue_call(const message& m, const vsoa::payload_view& payload, vsoa::call& c);
  void on_event(std::string_view url, const vsoa::payload_view& payload);
  void on_client(const message& m);
  void on_listing(const message& m);
  void tell_urls(const message& m, std::span<const std::byte> list);

  const setup setup_;
  vsoa::runtime loops_;
  vsoa::server channels_;
  daemon_link link_;
  reclaimer old_;
  std::unique_ptr<environment> env_;
  std::vector<lane> lanes_;
  std::shared_ptr<inline_plugin> plugin_;
  std::atomic<inline_plugin*> live_{nullptr};  // what the loops see, once it has started
  std::unique_ptr<library> code_;              // until the plugin has it
  // What report() has told.
  std::map<std::string, plugin_metric> told_metrics_;
  plugin_counts told_counts_;
  std::size_t told_deferred_ = 0;
  bool told_busy_ = false;
};

}  // namespace vsoad::isolation
