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
#include "plugin_host/reclaimer.hpp"
#include "plugin_host/service_port.hpp"
#include "plugin_host/stall_monitor.hpp"
#include "vsoa/log.hpp"
#include "vsoa/plugin.h"
#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"
#include "vsoa/work_queue.hpp"

namespace vsoad {

/// The queues of the configuration, by name. find() and what it returns are for who reads under the
/// reclaimer; a queue that is no longer configured is no longer found, and ends with the daemon.
class work_queues {
 public:
  using settings = std::map<std::string, config::work_queue_settings>;

  work_queues(reclaimer& old, const settings& wanted)
      : old_(old), queues_(std::make_shared<table>()) {
    change(wanted);
  }

  /// Queues that stay keep what waits in them.
  void change(const settings& wanted);
  /// As they were wanted last. Like change(): of one thread.
  const settings& wanted() const noexcept { return wanted_; }
  /// Runs what is queued and ends the threads.
  void end() {
    all_.clear();
    queues_.replace(std::make_shared<table>(), old_);
  }
  /// Null: there is none of this name.
  vsoa::work_queue* find(std::string_view name) const {
    const table& now = queues_.read();
    const auto found = now.find(name);
    return found == now.end() ? nullptr : found->second;
  }

 private:
  using table = std::map<std::string, vsoa::work_queue*, std::less<>>;

  reclaimer& old_;
  settings wanted_;
  std::map<std::string, std::unique_ptr<vsoa::work_queue>> all_;
  published<table> queues_;
};

/// A service as plugins know it.
struct hosted_service {
  vsoa_service id = 0;
  std::string name;
  std::shared_ptr<service_port> port;
};

/// Set up by plugin_host. What changes while the daemon runs is read under the reclaimer.
struct environment {
  using services_table = std::vector<hosted_service>;  // in order of id

  environment(vsoa::runtime& runtime, reclaimer& replaced, vsoa::log_sink sink,
              std::chrono::milliseconds stall_warning, const work_queues::settings& wanted_queues)
      : loops(runtime),
        old(replaced),
        log(std::move(sink)),
        services(std::make_shared<services_table>()),
        stalls(stall_warning, log, &replaced),
        queues(replaced, wanted_queues) {}

  /// Null: there is no such service.
  const hosted_service* find(vsoa_service id) const noexcept {
    for (const hosted_service& each : services.read()) {
      if (each.id == id) return &each;
    }
    return nullptr;
  }

  void tell(vsoa::log_level level, std::string_view line) const {
    if (log) log(level, line);
  }

  /// A call that a plugin has given up: no answer is sent.
  void give_up(vsoa::deferred_call call) const {
    if (on_drop != nullptr) return on_drop(std::move(call));
    call.drop();
  }

  vsoa::runtime& loops;
  reclaimer& old;
  const vsoa::log_sink log;
  published<services_table> services;
  stall_monitor stalls;
  /// What is done instead, where somebody waits for the answer.
  void (*on_drop)(vsoa::deferred_call call) = nullptr;
  /// Runs before each answer of a plugin, where what it has published may be slower than that.
  void (*before_answer)() = nullptr;
  work_queues queues;  // destroyed first: its jobs may use all the others
};

}  // namespace vsoad
