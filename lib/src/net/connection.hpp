// One TCP connection, of a server or a client: bytes in, packets up, slices out. Lives on one loop
// and is touched by that loop's thread only. What it owns at rest is itself. With TLS, its
// handshake comes before anything else; what is sent meanwhile waits.
//
// Reading: the loop's poller says when the socket is readable, and it is read into the loop's
// buffer. Writing: what the packets of one read cause for this connection leaves when the read has
// been worked off; what others send it leaves at the end of the turn. A write that the kernel does
// not take in full waits for writability, and from then on the send timeout runs: no byte taken for
// that long, and the connection is reset.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <chrono>
#include <cstdint>

#include "net/counter.hpp"
#include "net/loop.hpp"
#include "net/outbox.hpp"
#include "net/socket.hpp"
#include "net/timer_wheel.hpp"
#include "net/transport.hpp"
#include "protocol/packet_reader.hpp"

namespace vsoa::net {

/// Why a connection ended.
enum class close_reason : std::uint8_t {
  peer,            ///< the other side closed, or the network broke
  local,           ///< we wanted it
  protocol_error,  ///< malformed or oversized packet
  slow,            ///< it did not read
  partial,         ///< a packet begun and not finished in time
  tls,             ///< the TLS handshake has failed
};

/// Counters of all connections of one owner on one loop, written by that loop only.
struct traffic {
  counter received_bytes;
  counter sent_bytes;
  counter reads;
  counter writes;
  counter outbox_bytes;  // gauge
};

class connection : public boost::intrusive_ref_counter<connection, boost::thread_unsafe_counter>,
                   private pollable,
                   private timer_wheel::entry {
 public:
  using next = protocol::packet_reader::next;
  struct settings {
    std::chrono::milliseconds send_timeout;     // 0: none
    std::chrono::milliseconds partial_timeout;  // 0: none
    std::size_t outbox_limit;
  };

  virtual ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Begins to read. Until on_closed(), or on_lingered(), somebody must hold a reference. Throws
  /// std::system_error.
  void start();
  /// Called by the loop at the end of a turn.
  void flush_requested();

  bool is_open() const noexcept { return state_ == state::open; }
  bool is_lingering() const noexcept { return state_ == state::lingering; }
  std::size_t queued_bytes() const noexcept { return outbox_.bytes(); }
  /// What has gone through it so far, and what waits; of what a read under way has caused for this
  /// connection that is counted at its end. Any thread that knows it alive.
  struct tally {
    std::uint64_t received_bytes, sent_bytes, queued_bytes;
  };
  tally counts() const noexcept { return {received_, sent_, accounted_}; }

 protected:
  connection(loop& where, transport bytes, bool v6, traffic& counters, const settings& s);

  // What a subclass is told. After on_closed() nothing more.
  virtual next on_packet(const packet_view& p) = 0;
  virtual void on_closed(close_reason why) = 0;
  /// The socket of a connection that closed gracefully is closed at last. After on_closed().
  virtual void on_lingered() = 0;
  /// Bytes may go both ways: with TLS, when its handshake is over; without, never called.
  virtual void on_secured() {}
  /// The deadline of set_deadline() has come.
  virtual void on_deadline() = 0;

  /// Queues bytes. They leave at the end of the read under way, or of the turn.
  [[gnu::always_inline]] void send(const slice& s) {
    if (state_ != state::open) return;
    outbox_.append(s);
    if (in_input_) return;  // work_off() sees to it
    account();
    mark_dirty();
  }
  /// Whether `bytes` more are within the limit; an empty outbox takes any packet.
  bool has_room(std::size_t bytes) const noexcept {
    return outbox_.empty() || outbox_.bytes() + bytes <= settings_.outbox_limit;
  }
  /// The same, after the kernel has been offered what is queued if need be: what has piled up
  /// within one turn is not the other side's fault. Never closes.
  bool make_room(std::size_t bytes) { return has_room(bytes) || write_to_make_room(bytes); }
  /// Sends at once, in a system call of its own, behind what is queued.
  void send_alone(const slice& s);
  /// While held, nothing but send_alone() leaves.
  void hold(bool held);
  bool is_held() const noexcept { return held_; }

  /// Closes at once; with `reset` by RST. on_closed() runs before this returns.
  void close(close_reason why, bool reset = false);
  /// Stops reading, writes what is queued, shuts down, and waits up to `patience` for the other
  /// side to close, so that it surely sees the last packet. on_closed() runs before this returns.
  void close_gracefully(close_reason why = close_reason::local,
                        std::chrono::milliseconds patience = std::chrono::seconds(1));
  /// Offers the kernel what is queued, now.
  void flush_now() { flush(); }
  /// Ends lingering at once; on_lingered() is not called.
  void abandon();
  /// Stops reading for good; what is queued still leaves.
  void stop_reading() noexcept;

  /// Within on_packet(): takes those behind the packet that are alike; see packet_reader.
  protocol::packet_train take_alike(const packet_view& p, std::size_t packet_bytes) noexcept {
    return reader_.take_alike(p, packet_bytes);
  }

  /// While blocked, on_packet() is not called: it answers `pause`, and goes on when unblocked.
  void block_input(bool blocked);

  /// Whether what is sent now would be the next that the kernel is offered.
  bool can_write_now() const noexcept {
    return outbox_.empty() && state_ == state::open && !held_ && !waiting_writable_ &&
           transport_.is_secured();
  }
  /// Offers the kernel bytes that lie elsewhere. What it does not take must be sent next.
  /// @pre can_write_now()
  /// @return how many it has taken
  std::size_t write_now(std::span<iovec> parts);

  void set_deadline(steady_time when);
  void clear_deadline() noexcept { deadline_ = steady_time::max(); }
  void set_packet_limit(std::size_t bytes) noexcept { reader_.set_limit(bytes); }
  void set_send_timeout(std::chrono::milliseconds timeout);
  void set_outbox_limit(std::size_t bytes) noexcept { settings_.outbox_limit = bytes; }
  /// For the next packet that stays unfinished.
  void set_partial_timeout(std::chrono::milliseconds timeout) noexcept {
    settings_.partial_timeout = timeout;
    if (timeout.count() <= 0) partial_since_ = steady_time::max();
  }
  /// Whether a full outbox of publishes is this connection's end, or only that of the publish.
  void set_drop_when_slow(bool drop) noexcept { drop_when_slow_ = drop; }
  void set_flush_priority(std::uint8_t priority) noexcept { flush_priority_ = priority; }
  loop& where() const noexcept { return loop_; }
  int native_handle() const noexcept { return transport_.handle(); }
  bool is_v6() const noexcept { return v6_; }
  const transport& bytes() const noexcept { return transport_; }

 private:
  enum class state : std::uint8_t { open, lingering, closed };
  enum class write_result { all, part, failed };

  void on_ready(std::uint32_t events) override;
  void update_interest();
  std::uint32_t wanted_events() const noexcept;
  void on_readable();
  void read_once();
  void secure();
  void refuse_tls();
  void work_off(std::span<const std::byte> input);
  next offer(next wanted);
  next take(const packet_view& p);
  bool write_to_make_room(std::size_t bytes);
  void mark_dirty();
  void flush();
  write_result write_some();
  void blocked();
  void on_timer(steady_time now) override;
  void arm_timer(steady_time when);
  void arm_next_timer();
  bool is_stuck(steady_time now);
  void note_partial();
  void linger();
  void discard_input();
  void finish(bool reset);
  void account() noexcept;
  void go_on();
  bool may_go_on() const noexcept {
    return !input_blocked_ && outbox_.bytes() <= settings_.outbox_limit / 4;
  }

  loop& loop_;
  transport transport_;
  traffic& traffic_;
  protocol::packet_reader reader_;
  outbox outbox_;
  settings settings_;
  steady_time deadline_ = steady_time::max();       // the subclass's, or the end of lingering
  steady_time blocked_since_ = steady_time::max();  // first unsent byte waits since
  steady_time partial_since_ = steady_time::max();
  counter accounted_;           // of traffic_.outbox_bytes
  counter received_, sent_;     // of traffic_'s
  std::uint32_t interest_ = 0;  // the events asked of the poller
  state state_ = state::open;
  std::uint8_t flush_priority_ = 0;
  bool v6_ : 1;
  bool in_input_ : 1 = false;
  bool dirty_ : 1 = false;
  bool held_ : 1 = false;
  bool waiting_writable_ : 1 = false;
  bool reading_stopped_ : 1 = false;
  bool input_blocked_ : 1 = false;
  bool drop_when_slow_ : 1 = false;
};

}  // namespace vsoa::net
