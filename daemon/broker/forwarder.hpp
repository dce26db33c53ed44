// What a service hands to other VSOA servers: which of its URLs, to whom, and which publishes come
// back.
//
// Publishes: upstream is subscribed to what our clients are subscribed to below a forwarded URL, no
// more, so that nothing crosses the network that nobody reads. A subscription of ours is answered
// at once; upstream knows of it a round trip later. What upstream publishes goes the way of a
// plugin's publishes, through the topics.
//
// Datagrams of our clients to a forwarded URL go upstream. A datagram from upstream is dropped and
// counted: it is meant for one client, and upstream can't say which of ours.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/forward_url.hpp"
#include "broker/upstream.hpp"
#include "config/config.hpp"
#include "vsoa/url_cache.hpp"
#include "vsoa/url_map.hpp"

namespace vsoad {

/// Fixed once made: for another configuration another one is made, which takes over the upstream
/// servers that both have, with their connections. On the loops, but for what is marked.
class forwarder : public std::enable_shared_from_this<forwarder> {
 public:
  /// What an upstream server has published. On one of the loops.
  /// @param from  its number, for arrived()
  using arrival = std::function<void(std::size_t from, std::string_view url,
                                     vsoa::payload_view payload, vsoa::channel via)>;

  /// Any thread.
  /// @param tell    the same for all forwarders of a service
  /// @param before  that of the configuration until now; null: none
  forwarder(vsoa::runtime& loops, vsoa::server& server, const config::service_settings& settings,
            const arrival& tell, const vsoa::log_sink& log, const forwarder* before);
  ~forwarder();
  forwarder(const forwarder&) = delete;
  forwarder& operator=(const forwarder&) = delete;

  /// Whether `settings` would make the same. Any thread.
  bool is_for(const config::service_settings& settings) const;

  /// What it serves. They keep this object. Any thread.
  std::vector<vsoa::server::command_entry> commands();
  /// Connects to the upstream servers that are new, once the loops run; what TLS needs is read now.
  /// Any thread. Throws std::runtime_error, fit for the operator, if that can't be used.
  void start(const vsoa::name_resolver& resolver, const upstream_link::vetting& vet);
  /// Reads the certificates of TLS again, for new connections. False, and said in the log: some are
  /// not fit for use, and those of before stay. Any thread.
  bool reload_certificates();
  /// Ends the connections that `after` has not taken over, all if it is null. Not on a loop's
  /// thread.
  void stop(const forwarder* after = nullptr);
  /// Whether no call is under way to those that `after` has not taken over. Any thread.
  bool is_idle(const forwarder* after = nullptr) const;

  bool takes(std::string_view url) { return find(url) != nullptr; }
  /// A datagram of a client: sent upstream if its URL is forwarded.
  void datagram(std::string_view url, vsoa::payload_view payload, vsoa::channel via);
  /// See vsoa::server::on_interest().
  void interest_changed(std::string_view pattern, bool wanted);
  /// Calls publish(our URL, payload, channel) for what an upstream server has published.
  using publisher = std::function<void(std::string_view url, vsoa::payload_view, vsoa::channel)>;
  void arrived(std::size_t from, std::string_view url, vsoa::payload_view payload,
               vsoa::channel via, const publisher& publish);

  std::vector<upstream_report> reports() const;  ///< one for each upstream server. Any thread
  std::vector<std::string> summary() const;      ///< a line for each upstream server. Any thread
  const std::vector<std::shared_ptr<upstream>>& upstreams() const noexcept { return upstreams_; }

 private:
  struct entry {
    forward_url url;
    upstream* to = nullptr;  // null: a plugin's
    std::chrono::milliseconds timeout{0};
  };
  struct alignas(64) loop_part {
    vsoa::url_cache<entry> recent;
    std::string scratch;
  };

  upstream& upstream_for(vsoa::runtime& loops, vsoa::server& server, std::size_t outbox,
                         const config::forward_settings& settings, const arrival& tell,
                         const forwarder* before);
  const entry* find(std::string_view url);
  bool has(const upstream& u) const;

  vsoa::runtime& loops_;
  const std::vector<config::command_settings> settings_;
  const std::string who_;  // begins each line of the log
  const vsoa::log_sink log_;
  std::vector<std::shared_ptr<upstream>> upstreams_;
  std::vector<std::shared_ptr<upstream>> fresh_;  // of these, not taken over; until start()
  std::size_t next_number_ = 0;
  vsoa::url_map<entry> entries_;  // all `commands`: one deeper down keeps what is its own
  std::vector<loop_part> loop_parts_;
};

}  // namespace vsoad
