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

/// Fixed once made. On the loops, but for what is marked.
class forwarder {
 public:
  /// @param publish  for our subscribers, by our URL; on any loop
  forwarder(vsoa::runtime& loops, vsoa::server& server, const config::service_settings& settings,
            upstream_link::publisher publish, const vsoa::log_sink& log);
  ~forwarder();
  forwarder(const forwarder&) = delete;
  forwarder& operator=(const forwarder&) = delete;

  /// What it serves. They refer to this object. Any thread.
  std::vector<vsoa::server::command_entry> commands();
  /// Connects to all upstream servers, once the loops run; what TLS needs is read now. Any thread.
  /// Throws std::runtime_error, fit for the operator, if that can't be used.
  void start(const vsoa::name_resolver& resolver, const upstream_link::vetting& vet);
  /// Reads the certificates of TLS again, for new connections. False, and said in the log: some are
  /// not fit for use, and those of before stay. Any thread.
  bool reload_certificates();
  void stop();  ///< ends all connections. Not on a loop's thread

  bool takes(std::string_view url) { return find(url) != nullptr; }
  /// A datagram of a client: sent upstream if its URL is forwarded.
  void datagram(std::string_view url, vsoa::payload_view payload, vsoa::channel via);
  /// See vsoa::server::on_interest().
  void interest_changed(std::string_view pattern, bool wanted);

  std::vector<std::string> summary() const;  ///< a line for each upstream server. Any thread

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
                         const config::forward_settings& settings, const vsoa::log_sink& log);
  const entry* find(std::string_view url);
  void arrived(const upstream* from, std::string_view url, vsoa::payload_view payload,
               vsoa::channel via);

  vsoa::runtime& loops_;
  const upstream_link::publisher publish_;
  const std::string who_;  // begins each line of the log
  const vsoa::log_sink log_;
  std::vector<std::shared_ptr<upstream>> upstreams_;
  vsoa::url_map<entry> entries_;  // all `commands`: one deeper down keeps what is its own
  std::vector<loop_part> loop_parts_;
};

}  // namespace vsoad
