// A server's part on one loop: its sessions there, their subscriptions, the commands as that loop
// sees them, and the way to the other shards.
//
// Threads: the loop's thread reads everything without a lock. It changes `sessions_` and
// `subscriptions_` under mutex_, which other threads hold, shared, while they look.
#pragma once

#include <atomic>
#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "net/loop.hpp"
#include "net/quick.hpp"
#include "protocol/packet_train.hpp"
#include "server/command_table.hpp"
#include "server/session.hpp"
#include "server/subscriptions.hpp"
#include "vsoa/server.hpp"

namespace vsoa {

class server_impl;

/// Counters of one shard; see server_stats.
struct shard_counters : net::traffic {
  net::counter accepted, refused, handshakes, handshake_timeouts, bad_passwords, protocol_errors;
  net::counter slow_closed, dropped, partial_timeouts, calls, calls_refused, deliveries;
  net::counter denied, datagrams_in, relayed, quick_rejected, publishes, tls_failed,
      tls_handshake_timeouts;
  net::counter calls_open;  // gauge: deferred and not answered
};

/// Publishes on one URL that lie one behind the other in the log, with nothing else in between:
/// their subscribers get them as one piece, at the price of one. It lasts until settle().
struct publish_run {
  const subscriptions::audience* to = nullptr;
  net::slice packets;
  std::uint32_t count = 0;
};

/// Publishes of one loop on their way to another: encoded, several in one block.
struct publish_batch {
  struct item {
    net::slice packets;  // on one URL
    std::uint32_t count;
    channel via;
  };
  std::vector<item> items;
  net::chunk_ptr block;  // the one being filled
  std::size_t bytes = 0;
};

class shard final : public net::turn_end {
 public:
  shard(server_impl& owner, net::loop& where, std::size_t shard_count, const server_limits& limits);
  ~shard();

  net::loop& where() noexcept { return loop_; }
  std::size_t index() const noexcept { return loop_.index(); }
  server_impl& owner() noexcept { return owner_; }
  shard_counters& counters() noexcept { return counters_; }
  const shard_counters& counters() const noexcept { return counters_; }

  // --- the loop's thread ---
  const server_limits& limits() const noexcept { return limits_; }
  /// For new sessions and those that are there.
  void set_limits(const server_limits& limits);
  void adopt(net::unique_fd socket, session::origin from);
  void forget(session& s);
  void forget_lingering(session& s);
  /// Ends a connection that lingers.
  void abandon(client_id id);
  session* find(client_id id) const;
  session* find(client_id id, std::uint64_t serial) const;
  void set_commands(std::shared_ptr<const command_table> table) { commands_.set(std::move(table)); }
  command_lookup& commands() noexcept { return commands_; }
  bool subscribe(std::string_view url, session& s, subscriptions::list& own);
  bool unsubscribe(std::string_view url, session& s, subscriptions::list& own);
  void unsubscribe_all(session& s, subscriptions::list& own);
  void for_each_interest(const std::function<void(std::string_view pattern)>& visit) const;
  void priorities_changed() { subscriptions_.invalidate(); }
  /// Before whatever changes who gets a publish, or must come behind those made so far: hands them
  /// to their subscribers' outboxes.
  void settle();

  /// Whether the last publish, in this turn, was on this URL.
  bool is_publishing_on(std::string_view url) const noexcept {
    return run_.to != nullptr && run_.to->url == url;
  }
  /// Publishes to this shard's subscribers.
  /// @param train    p, and what comes with it
  /// @param goes_on  is_publishing_on(p.url)
  void publish_here(const packet_view& p, const protocol::packet_train& train, channel via,
                    bool goes_on);
  /// Publishes to those of another shard, with what else this turn has for it. False: dropped, it
  /// has too much waiting.
  bool publish_there(shard& target, const packet_view& p, const protocol::packet_train& train,
                     channel via);
  /// Whether so much waits for another shard that its producers should hold on.
  bool is_backlogged() const noexcept { return backlogged_; }
  std::uint64_t sent_across() const noexcept { return sent_across_; }  ///< bytes, to other shards
  /// Has `s` go on reading when the other shards have caught up.
  void wait_for_backlog(session& s);

  net::quick_sender& quick() noexcept { return quick_; }
  /// The end: closes everything. Nothing here touches the loop any more, which may go first.
  void close_all();
  void stop_input();
  void for_each(const std::function<void(session&)>& work);

  // --- any thread ---
  bool has_subscribers() const noexcept {
    return subscriber_count_.load(std::memory_order_relaxed) != 0;
  }
  bool is_subscribed(std::string_view url) const;
  /// Calls visit(const session&) under the lock; false: no such client that has passed the
  /// handshake.
  template <class Visit>
  bool inspect(client_id id, Visit&& visit) const {
    const std::shared_lock lock(mutex_);
    const session* s = find(id);
    if (s == nullptr || !s->is_handshaken()) return false;
    visit(*s);
    return true;
  }
  template <class Visit>
  void inspect_all(Visit&& visit) const {
    const std::shared_lock lock(mutex_);
    for (const auto& [id, s] : sessions_) {
      if (s->is_handshaken()) visit(*s);
    }
  }
  /// Calls visit(const subscriptions&) under the lock.
  template <class Visit>
  void inspect_subscriptions(Visit&& visit) const {
    const std::shared_lock lock(mutex_);
    visit(subscriptions_);
  }
  std::size_t connections() const;
  std::size_t inbox_bytes() const noexcept { return inbox_bytes_.load(); }
  /// Room for `bytes` of work from other threads, to be given back by release_inbox(); false: full.
  bool reserve_inbox(std::size_t bytes, std::size_t limit) noexcept;
  void release_inbox(std::size_t bytes) noexcept;
  /// False: so much waits here already that the publish is dropped.
  bool publish_from_outside(const packet_view& p, channel via);
  /// A publish or datagram for one client alone. False: no such client.
  bool send_to(client_id client, const packet_view& p, channel via);
  /// A publish by a thread that is no loop; the others count in counters().
  void count_publish() noexcept { publishes_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t publishes() const noexcept {
    return publishes_.load(std::memory_order_relaxed) + counters_.publishes;
  }
  /// An answer to a deferred call of this shard's client.
  void answer(client_id client, std::uint64_t serial, std::uint32_t seqno, status s,
              const payload_view& payload, std::uint16_t tunid);

 private:
  void on_turn_closing() override;
  void on_turn_end() override;
  void tell_interest(std::string_view url, bool wanted);
  const subscriptions::audience& audience_of(std::string_view url);
  void deliver(const net::slice& packets, std::uint32_t count, const subscriptions::audience& to,
               channel via);
  net::slice keep(const net::slice& packet);
  bool others_are_low() const noexcept;
  void deliver_batch(publish_batch& batch);
  void catch_up();

  server_impl& owner_;
  net::loop& loop_;
  server_limits limits_;
  mutable std::shared_mutex mutex_;
  boost::unordered_flat_map<client_id, boost::intrusive_ptr<session>> sessions_;
  // No longer clients, but their last answer is still under way.
  std::unordered_map<client_id, boost::intrusive_ptr<session>> lingering_;
  subscriptions subscriptions_;
  std::atomic<std::size_t> subscriber_count_{0};  // subscriptions, of all sessions
  command_lookup commands_;
  shard_counters counters_;
  std::atomic<std::uint64_t> publishes_{0};
  net::quick_sender quick_;
  publish_run run_;
  bool closing_requested_ = false;

  std::vector<publish_batch> outgoing_;  // by shard
  bool outgoing_requested_ = false;
  bool backlogged_ = false;
  std::uint64_t sent_across_ = 0;
  std::vector<boost::intrusive_ptr<session>> waiting_for_backlog_;
  // Bytes that other loops and threads have sent here and that are not yet delivered.
  std::atomic<std::size_t> inbox_bytes_{0};
  std::atomic<bool> inbox_watched_{false};  // somebody wants to know when it is low again
};

}  // namespace vsoa
