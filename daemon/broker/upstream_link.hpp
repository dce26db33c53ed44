// The connection of one service to one upstream server, on one loop: what that loop's clients call
// and send goes through it, without leaving the loop.
//
// How a call ends that upstream does not answer:
//
//   PROXY, param {"error": text}   it has not been sent: upstream is not connected, or can't
//                                  take it. To call again does no harm
//   NO_MEMORY                      it has not been sent: a limit is reached
//   NO_RESPONDING                  it has been sent, and no answer has come in time, or before the
//                                  connection broke: nobody knows whether it was carried out
//   NO_RESPONDING, {"error": text} it was carried out, and the stream that upstream offers can't be
//                                  relayed
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "vsoa/client.hpp"
#include "vsoa/log.hpp"
#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"

namespace vsoad {

/// Counters of one upstream server; each only grows.
struct upstream_stats {
  std::uint64_t connects = 0;
  std::uint64_t failed_connects = 0;
  std::uint64_t calls = 0;              ///< to be forwarded
  std::uint64_t refused = 0;            ///< of these answered PROXY or NO_MEMORY
  std::uint64_t timeouts = 0;           ///< of these answered NO_RESPONDING: no answer in time
  std::uint64_t lost = 0;               ///< of these answered so: the connection broke
  std::uint64_t publishes = 0;          ///< from upstream
  std::uint64_t datagrams = 0;          ///< sent upstream
  std::uint64_t datagrams_dropped = 0;  ///< not sent: not connected, or no room
  std::uint64_t datagrams_ignored = 0;  ///< from upstream
  std::uint64_t streams = 0;            ///< relayed
  std::uint64_t streams_failed = 0;     ///< not offered: the call was answered NO_RESPONDING
  std::uint64_t subscriptions_refused = 0;
};

/// They and their names, for whoever shows them.
struct upstream_counter {
  std::string_view name;
  std::uint64_t upstream_stats::*member;
};
inline constexpr upstream_counter upstream_counters[] = {
    {"connects", &upstream_stats::connects},
    {"failed_connects", &upstream_stats::failed_connects},
    {"calls", &upstream_stats::calls},
    {"refused", &upstream_stats::refused},
    {"timeouts", &upstream_stats::timeouts},
    {"lost", &upstream_stats::lost},
    {"publishes", &upstream_stats::publishes},
    {"datagrams", &upstream_stats::datagrams},
    {"datagrams_dropped", &upstream_stats::datagrams_dropped},
    {"datagrams_ignored", &upstream_stats::datagrams_ignored},
    {"streams", &upstream_stats::streams},
    {"streams_failed", &upstream_stats::streams_failed},
    {"subscriptions_refused", &upstream_stats::subscriptions_refused},
};

/// All but what is marked: on its loop.
class upstream_link {
 public:
  using publisher = std::function<void(std::string_view url, vsoa::payload_view, vsoa::channel)>;
  /// Why a server that is connected to must not be forwarded to; empty: it may. Any thread.
  using vetting = std::function<std::string(const std::string& url, const vsoa::server_info&)>;

  /// Any thread. What it is told must outlive it.
  /// @param loop     where it lives
  /// @param outbox   bytes queued for upstream
  /// @param publish  what comes from upstream
  upstream_link(vsoa::runtime& loops, vsoa::server& server, std::size_t loop, std::size_t outbox,
                const config::forward_settings& settings, publisher publish, vsoa::log_sink log);

  /// Connects, and again when the connection breaks. Any thread, once.
  /// @param on_connect  each time; then nothing is subscribed to
  /// Throws vsoa::tls_error.
  void start(vsoa::name_resolver resolver, vetting vet, std::function<void()> on_connect);
  /// Reads certificates and CAs again, for new connections. Any thread. Throws vsoa::tls_error, and
  /// then those of before stay.
  void reload_certificates() {
    if (settings_.tls) client_.set_tls(*settings_.tls);
  }
  /// Ends the connection for ever, and its callbacks. Any thread.
  void stop() { client_.close(); }

  /// Answers the call, now or later.
  /// @param url  as upstream knows it
  void call(vsoa::call& c, std::string_view url, std::chrono::milliseconds timeout);
  /// Without a quick channel upstream (TLS has none), what is quick goes the normal way.
  void datagram(std::string_view url, vsoa::payload_view payload, vsoa::channel via);
  /// @param refused  told of each pattern that is not subscribed to although the connection stands
  void subscribe(const std::vector<std::string>& patterns,
                 const std::function<void(const std::string&)>& refused);
  void unsubscribe(const std::string& pattern);

  bool is_connected() const noexcept { return client_.is_connected(); }  ///< any thread
  bool is_idle() const { return client_.pendings() == 0; }               ///< any thread
  /// Connected to once, and found to be one that must not be forwarded to. Any thread.
  bool is_given_up() const noexcept { return is_given_up_.load(std::memory_order_relaxed); }
  upstream_stats stats() const;  ///< any thread

 private:
  // One thread writes, any reads.
  class tally {
   public:
    void operator++() noexcept {
      count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    operator std::uint64_t() const noexcept { return count_.load(std::memory_order_relaxed); }

   private:
    std::atomic<std::uint64_t> count_{0};
  };
  struct tallies {
    tally connects, failed_connects, calls, refused, timeouts, lost, publishes, datagrams,
        datagrams_dropped, datagrams_ignored, streams, streams_failed, subscriptions_refused;
  };

  void connected(const vsoa::server_info& server, const vetting& vet,
                 const std::function<void()>& tell);
  void not_connected(std::error_code why);
  void disconnected(std::error_code why);
  void answer(vsoa::deferred_call right, vsoa::client_id client, std::error_code error,
              const vsoa::reply_view& reply);
  void fail(vsoa::deferred_call right, std::error_code error);
  void relay_stream(vsoa::deferred_call right, vsoa::client_id client,
                    const vsoa::reply_view& reply);
  void say(vsoa::log_level level, const std::string& what) const;
  void say_refused(const std::string& pattern, std::error_code error);

  vsoa::server& server_;
  const config::forward_settings settings_;
  const publisher publish_;
  const vsoa::log_sink log_;
  std::error_code last_failure_;                            // said already
  std::chrono::steady_clock::time_point next_complaint_{};  // of refused subscriptions
  std::uint64_t unsaid_ = 0;                                // that were refused since the last
  bool is_up_ = false;
  bool has_quick_ = false;
  std::atomic<bool> is_given_up_{false};
  tallies counts_;
  vsoa::client client_;  // the last: its end ends the callbacks
};

}  // namespace vsoad
