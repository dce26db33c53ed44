// The way from the process of an isolated plugin to the daemon, for its host functions.
//
// What needs no answer leaves on the channel of the event loop that it is asked on, in order with
// the answers of that loop's calls. What is asked elsewhere, or needs an answer, is a question on
// the host socket: the daemon has done it when the answer comes, so a publish comes before the
// reply that follows it, whichever way that takes.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "plugin_host/isolation/control.hpp"
#include "plugin_host/isolation/envelope.hpp"
#include "plugin_host/service_port.hpp"
#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"

namespace vsoad::isolation {

/// Any thread, unless it says otherwise.
class daemon_link {
 public:
  /// @param channels  on which the daemon is a client
  daemon_link(vsoa::runtime& loops, vsoa::server& channels);

  /// The session of the daemon on the calling loop.
  void channel_is_open(vsoa::client_id session);

  /// A message that needs no answer.
  service_port::outcome send(message m, const vsoa::payload_view& payload);
  /// Asks, and waits for the answer. Nothing: none has come, or it makes no sense.
  /// @param fill  writes the question behind its number
  /// @param read  reads the answer behind its number
  bool ask(char kind, const std::function<void(field_writer&)>& fill,
           const std::function<void(field_reader&)>& read, int fd = -1);
  /// Before an answer: what this thread, which is no loop, has published must not come after it.
  void settle();
  /// A message on the control socket.
  /// @param wait  for room
  void control(const field_writer& w, bool wait = true) const noexcept;

  // --- who is there ---
  // False: that is known.
  bool client_came(vsoa_client handle, bool has_quick);
  bool client_went(vsoa_client handle);
  /// @param quick  whether it must have a quick channel
  bool is_there(vsoa_client handle, bool quick = false) const;
  /// Those of a service whose events come on this loop.
  std::set<vsoa_client> clients_here(vsoa_service service) const;
  /// The client whose call this thread runs is there, also if its handshake is still to come.
  static thread_local vsoa_client calling;

  // --- streams ---
  using entrance = std::function<void(int socket, std::error_code error)>;
  std::uint64_t keep(entrance give);
  /// Empty: it is not known, or has been used.
  entrance take(std::uint64_t stream);

  std::size_t loop_here() const noexcept;  ///< the caller's, or 0
  vsoa::server& channels() noexcept { return channels_; }

 private:
  service_port::outcome perform(message m, const vsoa::payload_view& payload);

  vsoa::runtime& loops_;
  vsoa::server& channels_;
  std::vector<std::atomic<vsoa::client_id>> sessions_;  // by loop

  std::mutex asking_;
  std::uint64_t last_question_ = 0;  // under asking_
  std::vector<char> answer_;         // under asking_
  mutable std::shared_mutex clients_mutex_;
  std::unordered_map<vsoa_client, bool> clients_;  // under clients_mutex_: whether it has quick
  std::mutex streams_mutex_;
  std::uint64_t last_stream_ = 0;              // under streams_mutex_
  std::map<std::uint64_t, entrance> streams_;  // under streams_mutex_
};

}  // namespace vsoad::isolation
