// The daemon's side of the channels to the process of an isolated plugin: one VSOA client for each
// event loop, on which the calls and events of that loop's clients go, and their answers come, with
// no lock and no message between loops.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "plugin_host/isolation/envelope.hpp"
#include "plugin_host/isolation/services_of.hpp"
#include "plugin_host/mount.hpp"
#include "plugin_host/unique_fd.hpp"
#include "vsoa/client.hpp"
#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"

namespace vsoad::isolation {

/// Of all lanes together.
struct lane_counts {
  std::atomic<std::uint64_t> calls_refused{0}, calls_timed_out{0}, datagrams_lost{0},
      events_refused{0}, malformed{0};
};

/// What the keeper of the process is told, on a loop.
struct lane_events {
  std::function<void(std::uint64_t process)> connected;
  /// The process does not do what it must.
  std::function<void(std::uint64_t process, std::string why)> broken;
  /// The channel has ended: the process, too, or it has only closed that.
  std::function<void(std::uint64_t process)> ended;
};

/// One loop's. All on the loop's thread.
class lane {
 public:
  lane(vsoa::runtime& loops, std::size_t loop, services_of& services, lane_counts& counts);

  /// Begins to speak with a new process.
  void connect(unique_fd channel, std::uint64_t process, const lane_events& events);
  /// The plugin has started: tells it who is there, and takes calls.
  void open(std::uint64_t process);
  /// It may have missed who came and went: tells it of all clients that are there.
  void tell_clients(std::uint64_t process);
  /// Any thread.
  std::size_t calls_under_way() const noexcept {
    return under_way_.load(std::memory_order_relaxed);
  }
  /// Takes no more calls. What is under way is still answered.
  void close() noexcept { is_open_ = false; }
  /// The process is gone: what is under way is answered NO_RESPONDING.
  void disconnect(std::uint64_t process);
  /// Whether the process answers.
  void ping(std::uint64_t process, std::chrono::milliseconds timeout);

  void call(vsoa_service service, const route& where, std::uint16_t queue, vsoa::call& call);
  void datagram(vsoa_service service, vsoa::client_id client, std::string_view url,
                const vsoa::payload_view& payload, vsoa::channel via);
  void client(vsoa_service service, vsoa::client_id client, bool connected);
  void subscription(vsoa_service service, vsoa::client_id client,
                    std::span<const std::string_view> urls, bool subscribed);

 private:
  void answer(vsoa::deferred_call right, std::error_code error, const vsoa::reply_view& reply);
  void arrived(std::string_view url, const vsoa::payload_view& payload);
  void listing(vsoa_service service, bool begins);
  bool send(message& m, vsoa::payload_view payload);
  bool send_parts(message& m, vsoa::payload_view& payload);
  void count(std::size_t more) noexcept;
  void send_away(vsoa_service service, vsoa::client_id client);
  void pinged(std::error_code error, bool is_last);

  vsoa::runtime& loops_;
  const std::size_t loop_;
  services_of& services_;
  lane_counts& counts_;
  std::unique_ptr<vsoa::client> client_;
  std::uint64_t process_ = 0;
  lane_events events_;
  bool is_open_ = false;
  parts parts_;
  std::string url_;                        // keeps its memory
  std::atomic<std::size_t> under_way_{0};  // written by the loop alone
};

}  // namespace vsoad::isolation
