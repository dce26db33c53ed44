// Keeps the process of one isolated plugin: starts it, listens to it, ends it when it hangs or
// takes too much, and starts it again, later each time.
//
//   idle -> loading -> loaded -> starting -> running -> (ended) -> waiting -> loading ...
//                         |                                 ^
//                         `- until start() the first time   `- from any of these
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "plugin_host/descriptor.hpp"
#include "plugin_host/isolation/control.hpp"
#include "plugin_host/isolation/lanes.hpp"
#include "plugin_host/isolation/process.hpp"
#include "plugin_host/isolation/supervisor.hpp"
#include "plugin_host/plugin.hpp"
#include "plugin_host/plugin_metrics.hpp"
#include "plugin_host/private_copy.hpp"

namespace vsoad::isolation {

/// What a keeper has to know, and does not change.
struct keeper_settings {
  std::string program;  ///< vsoad-plugin
  isolation::setup setup;
  std::string config_json;
  std::chrono::milliseconds ping_timeout{5000};
};

/// What a process says, as a part of a line of the log.
std::string as_line(std::string_view text);

/// Delays before the next start.
class back_off {
 public:
  std::chrono::milliseconds next();
  /// It ran for so long; long enough, and the next delay is the first again.
  void ran(std::chrono::steady_clock::duration time);

 private:
  static constexpr std::chrono::milliseconds first{100}, most{30000};
  static constexpr std::chrono::seconds long_enough{60};
  std::chrono::milliseconds delay_ = first;
};

/// How many lines of a process's log are written: enough for any plugin in its senses.
class log_limit {
 public:
  bool lets_through(std::chrono::steady_clock::time_point now);
  /// How many were not, once that time is over.
  std::size_t take_suppressed(std::chrono::steady_clock::time_point now);

 private:
  std::chrono::steady_clock::time_point since_{};
  std::size_t lines_ = 0, suppressed_ = 0;
};

class keeper : public std::enable_shared_from_this<keeper> {
 public:
  keeper(std::shared_ptr<supervisor> thread, environment& env, private_copy code,
         keeper_settings settings);
  ~keeper();
  keeper(const keeper&) = delete;
  keeper& operator=(const keeper&) = delete;

  // --- by the owner, on a thread that may wait; one at a time ---
  /// Starts the process and waits for what it says of itself.
  /// @return why there is nothing; empty: see descriptor()
  std::string load();
  /// Before start(), and whenever that changes.
  void set_services(std::vector<vsoa_service> ids);
  const plugin_descriptor& descriptor() const noexcept { return *descriptor_; }
  /// Has the plugin start. @return why it does not run; empty: it does
  std::string start();
  /// Another takes its place: its process is not started again.
  void replaced() noexcept;
  /// Ends it, and does not start it again. In at most `limit` for the plugin's callbacks, and again
  /// for its stop(); then the process is killed.
  /// @return false: the kernel does not end the process, and this object must stay
  bool stop(patience& limit) noexcept;

  // --- any thread ---
  bool is_running() const noexcept { return is_running_.load(std::memory_order_acquire); }
  plugin_state state() const;
  plugin_counts counts() const;
  std::size_t calls_deferred() const;
  const plugin_metrics& metrics() const noexcept { return metrics_; }
  /// Nothing is under way, as far as it is known: a fifth of a second ago at most.
  bool is_quiet() const;
  /// That of a loop, for its thread.
  lane& lane_of(std::size_t loop) noexcept { return *lanes_[loop]; }
  std::size_t loops() const noexcept { return lanes_.size(); }

 private:
  enum class phase { idle, loading, loaded, starting, running, waiting, stopping, ended };

  // On the supervisor's thread.
  void begin();
  void spawned(process p);
  void control_is_readable();
  void host_is_readable();
  bool take(std::string_view bytes);
  bool take_hello(std::string_view bytes);
  bool take_log(field_reader& r);
  void tell_suppressed(std::chrono::steady_clock::time_point now);
  bool take_metric(field_reader& r, bool is_counter);
  bool take_counts(field_reader& r);
  void loaded_if_ready();
  void send_start();
  bool started(std::string_view reason);
  void look_after();
  void give_up_on(std::string why);
  /// False: it can't be told, and is given up, for `failure`, unless it ends by itself.
  bool tell_process(std::string_view bytes, const char* failure, int fd = -1);
  void expect_end();
  void process_has_ended();
  void plan_restart();
  void do_stop(std::chrono::milliseconds limit);
  void do_replaced();
  void is_over();
  phase phase_now() const;
  bool settles(std::string_view question);
  vsoa::stream_offer offer_stream(service_port& port, vsoa::client_id client, std::uint64_t number,
                                  std::chrono::milliseconds timeout,
                                  std::chrono::seconds keepalive);
  void note_streams();
  void stream_has_ended(std::uint64_t number);
  void stream_has_come(std::uint64_t process, std::uint64_t number, vsoa::handed_stream handed);
  void on_lanes(const std::function<void(lane&)>& what);
  void deadline(std::chrono::milliseconds after, const char* what);
  void enter(phase next);
  void tell(vsoa::log_level level, const std::string& what) const;
  lane_events events();
  template <class Predicate>
  bool wait_until(std::chrono::milliseconds limit, Predicate done);
  std::string outcome(std::chrono::milliseconds limit, bool keeper::*reached);

  const std::shared_ptr<supervisor> thread_;
  vsoa::runtime& loops_;
  environment& env_;  // until it has ended
  const vsoa::log_sink log_;
  const private_copy code_;
  const keeper_settings settings_;
  services_of services_;
  lane_counts lane_counts_;
  std::vector<std::unique_ptr<lane>> lanes_;
  plugin_metrics metrics_;
  std::optional<plugin_descriptor> descriptor_;  // set before load() returns, then fixed

  // The supervisor's thread's.
  std::optional<process> process_;
  std::uint64_t number_ = 0;  // of the process, so that what comes late is known
  std::size_t connected_ = 0;
  bool has_hello_ = false;
  std::vector<std::string> commands_;
  std::size_t command_bytes_ = 0;
  log_limit log_limit_;
  plugin_descriptor said_;
  std::string why_;  // it is being killed, or has refused
  std::vector<char> buffer_;
  struct stream_entry {
    std::function<void()> cancel;
    std::shared_ptr<void> place;  // null while the client is awaited
  };
  std::map<std::uint64_t, stream_entry> streams_;
  back_off back_off_;
  std::chrono::steady_clock::time_point running_since_{};
  std::chrono::steady_clock::time_point next_ping_{};
  supervisor::watch_ptr end_watch_, control_watch_, host_watch_, tick_, restart_;
  supervisor::watch_ptr deadline_;   // for what the plugin is to do
  supervisor::watch_ptr end_limit_;  // for its process to be gone, with the sockets closed
  bool is_killed_ = false;
  bool ended_before_ = false;     // it could be told to stop
  bool wants_end_ = false;        // once its process has ended there is not to be another
  std::shared_ptr<keeper> self_;  // as long as there is, or will be, a process

  std::atomic<bool> is_running_{false};
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  phase phase_ = phase::idle;     // under mutex_
  bool has_loaded_ = false;       // under mutex_: once, whatever has become of it since
  bool has_run_ = false;          // under mutex_: the same
  std::string reason_;            // under mutex_: why load() or start() has failed
  plugin_state state_;            // under mutex_
  plugin_counts counts_;          // under mutex_: what the plugin's process has told
  std::size_t deferred_ = 0;      // under mutex_
  bool is_busy_ = false;          // under mutex_: as the process has told
  std::size_t stream_count_ = 0;  // under mutex_
};

}  // namespace vsoad::isolation
