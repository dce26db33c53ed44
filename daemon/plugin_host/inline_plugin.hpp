// A plugin whose code is mapped into this process.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "plugin_host/callback_runner.hpp"
#include "plugin_host/plugin.hpp"

namespace vsoad {

class library;
struct environment;
struct plugin_core;

/// A loop runs a command at once, and without allocation if its time is not limited; if another
/// callback of a plugin that is not CONCURRENT runs, the call is run as soon as that ends.
class inline_plugin final : public plugin, public std::enable_shared_from_this<inline_plugin> {
 public:
  inline_plugin(std::unique_ptr<library> code, environment& env,
                const config::plugin_settings& settings, std::size_t number);
  ~inline_plugin() override;

  bool is_running() const noexcept override;
  vsoa::work_queue* queue_for(const route& where) const noexcept override;
  void command(vsoa_service service, const route& where, vsoa::call& call) noexcept override;
  void datagram(vsoa_service service, vsoa::client_id client, std::string_view url,
                vsoa::payload_view payload, vsoa::channel via) noexcept override;
  void client(vsoa_service service, vsoa::client_id client, bool connected) noexcept override;
  /// The same of one that is there already: however many they are, none is sent away for it.
  void client_is_there(vsoa_service service, vsoa::client_id client) noexcept;
  void subscription(vsoa_service service, vsoa::client_id client,
                    std::span<const std::string_view> urls, bool subscribed) noexcept override;
  plugin_state state() const override;
  plugin_counts counts() const override;
  void metrics(std::vector<plugin_metric>& out) const override;
  std::size_t calls_deferred() const override;

  void set_services(std::vector<vsoa_service> services) override;
  std::string start() override;
  void rest() noexcept override;
  bool is_quiet() const override;
  bool stop(patience& limit) noexcept override;

 private:
  struct call_copy;
  struct subjects;

  /// False: no memory for a path that must be joined. It lasts until the thread's next call.
  static bool find_path(vsoa_request& request, const route& where, std::string_view url) noexcept;
  void run_now(const vsoa_request& request, const route& where, vsoa::call& call) noexcept;
  void run_command(const vsoa_request& request, std::size_t command, vsoa_call& call) noexcept;
  [[gnu::cold]] void command_later(const route& where, vsoa::call& call,
                                   const vsoa_request& request) noexcept;
  [[gnu::cold]] void log_thrown(std::size_t command, const char* what) const;
  [[gnu::cold]] void end_unanswered(vsoa_call& call, bool has_thrown);
  void run_copy(call_copy& copy) noexcept;
  void timed_command(const route& where, vsoa::call& call, const vsoa_request& request) noexcept;
  void tell_client(vsoa_service service, vsoa::client_id client, bool connected,
                   callback_runner::importance matters) noexcept;
  callback_runner::outcome hand_over(const route& where, const std::shared_ptr<call_copy>& copy);
  template <class Callback>
  void guarded(const char* what, Callback callback) noexcept;
  bool close(patience& limit) noexcept;
  std::string call_start();
  std::string try_start();
  bool call_stop(patience& limit) noexcept;
  template <class Work>
  static bool run_apart(patience& limit, Work work) noexcept;
  bool abandon(std::string_view why) noexcept;
  void finish() noexcept;
  void send_away(vsoa_service service, vsoa::client_id client);

  std::unique_ptr<library> code_;
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
