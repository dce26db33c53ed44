// Topics: URLs on which what clients send as datagrams is published to subscribers, and on which
// the last value is remembered or a fast stream is thinned, whether it comes from clients or
// plugins.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "plugin_host/reclaimer.hpp"
#include "vsoa/packet.hpp"
#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"

namespace vsoad {

struct topic_stats {
  std::uint64_t relayed = 0;       ///< datagrams taken by datagram()
  std::uint64_t thinned = 0;       ///< replaced by a newer one before their time came, or no room
  std::uint64_t not_retained = 0;  ///< no room to remember them
};

/// The last values that are kept, up to a limit.
struct retained_values {
  struct value {
    std::string url;
    std::size_t bytes = 0;  ///< of param and data
  };
  std::vector<value> values;  ///< by URL
  std::size_t total = 0;
};

/// The topics of one service. A topic with neither `retain` nor `max_rate` takes no lock.
///
/// Threads: all functions from any thread that reads under the reclaimer, unless it says otherwise.
/// Timers run on loop 0 of the runtime.
class topics {
 public:
  /// Concrete URLs with a state of their own, of all topics together. For one more, the one that
  /// has been silent for longest is forgotten.
  static constexpr std::size_t max_urls = 4096;

  /// @param kept_bytes  of URLs and messages that are kept, of all topics together
  topics(vsoa::runtime& loops, reclaimer& old, vsoa::server& server,
         const std::vector<config::topic_settings>& settings, std::size_t kept_bytes);
  ~topics();  ///< what still waits for its time is dropped
  topics(const topics&) = delete;
  topics& operator=(const topics&) = delete;

  /// Other rules from now on. Values of URLs that are still retained stay, the others are
  /// forgotten; what waits for its time is published at that time. One thread, no loop's.
  void change(const std::vector<config::topic_settings>& settings, std::size_t kept_bytes);

  enum class relaying {
    no,
    plain,  ///< what is sent to the URL is published as it comes: the server's work
    kept,   ///< the same by datagram(): a value is kept, or its rate limited
  };
  relaying relays(std::string_view url);
  /// A datagram of a client: published if its topic relays, and keeps something.
  void datagram(std::string_view url, vsoa::payload_view payload, vsoa::channel via);
  /// Publishes for a plugin: at once, or when the rate of its topic allows it.
  /// @return false: nothing will be published; see vsoa::server::publish()
  bool publish(std::string_view url, vsoa::payload_view payload, vsoa::channel via);
  /// Hands a client that has subscribed to `urls` the last values of what they match.
  void subscribed(vsoa::client_id client, std::span<const std::string_view> urls);
  /// A GET of a retained URL that no command serves is answered with the last value.
  /// @return false: nothing is retained there
  bool serve(vsoa::call& call);
  topic_stats stats() const;
  /// The `most` first of what is kept.
  retained_values retained(std::size_t most) const;

 private:
  class impl;
  std::shared_ptr<impl> impl_;  // shared with timers
};

}  // namespace vsoad
