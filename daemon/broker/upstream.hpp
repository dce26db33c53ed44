// One upstream server of a service: a connection on each loop, so that a forwarded call stays on
// the loop of its client, and one of them that is subscribed to what our subscribers want.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/interest.hpp"
#include "broker/upstream_link.hpp"

namespace vsoad {

/// How one upstream server is doing.
struct upstream_report {
  std::string url;
  std::size_t connections = 0;  ///< that there should be: one for each loop
  std::size_t connected = 0;    ///< that there are
  upstream_stats stats;         ///< of all of them together
};

class upstream : public std::enable_shared_from_this<upstream> {
 public:
  /// @param number  its own among the service's; chooses the loop of what upstream publishes
  /// @param publish on that loop
  upstream(vsoa::runtime& loops, vsoa::server& server, std::size_t number, std::size_t outbox,
           const config::forward_settings& settings, const upstream_link::publisher& publish,
           const vsoa::log_sink& log);

  /// Connects. Once. Throws vsoa::tls_error.
  void start(const vsoa::name_resolver& resolver, const upstream_link::vetting& vet);
  /// Reads certificates and CAs again, for new connections. Any thread. Throws vsoa::tls_error.
  void reload_certificates();
  /// Ends all connections, and callbacks. Not on a loop's thread.
  void stop();

  const config::forward_settings& settings() const noexcept { return settings_; }
  std::size_t number() const noexcept { return number_; }
  bool is_given_up() const;  ///< see upstream_link. Any thread
  bool is_idle() const;      ///< no call is under way. Any thread
  /// That of the calling loop. @pre on a loop
  upstream_link& here() noexcept { return *links_[loops_.here()]; }

  // Whether our clients want what upstream publishes on these URLs. Each pattern as often as it is
  // wanted: its last leave() ends the subscription. Any thread.
  void want(const std::string& pattern);
  void leave(const std::string& pattern);

  upstream_report report() const;  ///< any thread
  /// One line of counters, for the log. Any thread.
  std::string summary() const;

 private:
  void sync_soon();
  void sync();
  void ask(const std::vector<std::string>& patterns);
  void refused(const std::string& pattern);
  void retry();

  vsoa::runtime& loops_;
  const config::forward_settings settings_;
  const std::size_t number_;
  const std::size_t subscriber_;  // the loop whose connection subscribes
  interest wanted_;
  // On the subscriber's loop:
  bool is_retry_due_ = false;
  std::chrono::seconds retry_delay_;
  std::vector<std::unique_ptr<upstream_link>> links_;  // by loop
};

}  // namespace vsoad
