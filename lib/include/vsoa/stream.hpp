// A stream: raw bytes both ways beside the packets, over a TCP connection of its own. One side
// offers it (server::create_stream) and tells the other its tunnel id, in the answer of an RPC; the
// other connects to that.
//
// `stream` is a handle: cheap to copy, and the stream does not end with it. It ends when both sides
// have said all, when one closes, when the connection breaks or, before it is connected, when its
// time is up; and with the server or client that it belongs to. Then on_link(false) is the last
// callback, and all that the callbacks hold is let go.
//
// Threads: all callbacks of a stream run on one loop, one after the other. Member functions of the
// handle may be called from any thread, callbacks included, until the runtime is destroyed; on an
// ended stream they do nothing. Neither a callback nor the end happens inside of them.
//
// Source: lib/README.md, "Streams".
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>

#include "vsoa/address.hpp"
#include "vsoa/export.hpp"

namespace vsoa {

class stream_impl;
namespace net {
class tls_context;
}

/// Of one stream, in bytes.
struct stream_counters {
  std::uint64_t received = 0;  ///< read, and handed to on_data
  std::uint64_t sent = 0;      ///< taken by the kernel
  std::uint64_t queued = 0;    ///< taken by send(), and not yet by the kernel
};

/// A handle of a stream; see the head of this file.
class VSOA_API stream {
 public:
  /// send() takes no more at once; a piece of on_data is never larger.
  static constexpr std::size_t max_piece = 256U << 10;

  stream() noexcept = default;  ///< none: all functions do nothing

  /// Sends all of `bytes` if they are at most max_piece, else that much of them. Copies what the
  /// kernel does not take at once, so the caller's bytes are free when it returns.
  /// @return how many bytes were taken. 0: too much is queued, on_writable follows; or the stream
  ///         is not connected, or shut or closed from here, and nothing follows
  std::size_t send(std::span<const std::byte> bytes) const;
  /// Whether send() takes a piece now. When it says no on a connected stream, on_writable follows.
  /// On the stream's loop it says no as soon as anything is queued, though send() would take a
  /// little more: who stops then has nothing copied in vain. There it also says no when much has
  /// been written for this stream in one go, so that others have their turn.
  bool is_writable() const;

  /// Stops reading: no on_data until resume(), the other side is held up by its own full buffers.
  /// Called in a callback of the stream it holds at once; elsewhere one more piece may come.
  void pause() const;
  /// Reads again.
  void resume() const;

  /// Says that nothing more will be sent, behind what is queued. Reading goes on. The official
  /// Node.js and Python peers close altogether when they hear of it.
  void shutdown_write() const;
  /// Ends the stream: what is queued is still sent, what comes in is thrown away. on_link(false)
  /// when the other side has closed, too, or has not for 5 s.
  void close() const;
  /// Ends it by a reset; what is queued is lost. on_link(false) soon.
  void abort() const;

  /// TCP keepalive: first probe after `idle`, the stream ends with timed_out after about three
  /// times that without an answer, to a probe or to bytes. Who answers and only does not read
  /// stays. 0: off, and a peer that has vanished keeps its place for ever.
  void set_keepalive(std::chrono::seconds idle) const;
  /// Ends the stream when the kernel takes none of what is queued for that long. 0: never.
  void set_send_timeout(std::chrono::milliseconds timeout) const;

  bool is_connected() const noexcept;  ///< from on_link(true) to the end
  /// Why it ended: timed_out (nobody connected in time, took what was queued, or answered),
  /// connection_reset, and what else the network says. No error: both sides have ended it, or ours
  /// has. connection_aborted, from on_end on: with TLS, the other side's bytes have ended without
  /// its saying so, and may be cut off.
  std::error_code error() const noexcept;
  /// Also of one that has ended.
  stream_counters counters() const noexcept;
  socket_address peer() const;  ///< the other end; before on_link(true): nothing

  /// Whether it is one.
  explicit operator bool() const noexcept { return static_cast<bool>(impl_); }
  /// Whether both are the same stream.
  bool operator==(const stream&) const noexcept = default;

  explicit stream(std::shared_ptr<stream_impl> impl) noexcept;  ///< for libvsoa's own parts

 private:
  std::shared_ptr<stream_impl> impl_;
};

/// What a stream tells. Each may be empty, and must not throw; what it throws is logged.
struct stream_callbacks {
  /// true: connected; false: the end, or that the other side never came. false comes once.
  std::function<void(const stream&, bool connected)> on_link;
  /// `bytes` are valid until it returns.
  std::function<void(const stream&, std::span<const std::byte> bytes)> on_data;
  /// What made send() or is_writable() say no is sent.
  std::function<void(const stream&)> on_writable;
  /// The other side sends no more, but may still read. Without this callback the stream is closed
  /// then, once what is queued is sent.
  std::function<void(const stream&)> on_end;
};

/// How a stream is made.
struct stream_options {
  std::chrono::milliseconds timeout{10000};   ///< for the other side to be connected
  std::chrono::seconds keepalive{10};         ///< see set_keepalive()
  std::chrono::milliseconds send_timeout{0};  ///< see set_send_timeout()
  std::size_t outbox = 128U << 10;            ///< queued bytes above which send() takes nothing
                                              ///< more; max_piece - 1 more may be queued
  bool ends_with_client = false;  ///< a server's: aborted when its client's session ends
  /// The kernel resets it should this process die, instead of closing it as if all were said.
  bool reset_at_exit = false;
};

/// Where another server offers a stream, for those who relay it.
struct stream_target {
  socket_address address;          ///< the server's, with the tunnel id as its port
  std::optional<ip_address> from;  ///< to connect from, as servers take their client's address
                                   ///< alone; nothing: the kernel's choice
  std::shared_ptr<const net::tls_context> tls;  ///< of client::stream_at(); null: in the clear
  std::string host;                             ///< whose certificate it must be

  stream_target(const socket_address& a) : address(a) {}  ///< in the clear
};

/// The connection of a stream that a server has offered, for who wants the socket itself.
struct handed_stream {
  int socket = -1;        ///< connected, non-blocking, and the taker's from now on; -1: none
  std::error_code error;  ///< why not: timed_out (nobody came), or what else happened
  /// The stream's place among the server's (server_limits::streams): to be kept as long as the
  /// stream lasts.
  std::shared_ptr<void> place;
};
/// Told once, on the client's loop.
using stream_taker = std::function<void(handed_stream)>;

/// A stream that waits for its socket, which comes from elsewhere, such as another process.
struct awaited_stream {
  class stream stream;  ///< none: a limit is reached
  /// Gives it a connected stream socket, which it takes over whatever happens, or -1 and why there
  /// is none. Once; any thread.
  std::function<void(int socket, std::error_code error)> give;
};

/// What a server answers to the wish for a stream.
struct stream_offer {
  std::uint16_t tunid = 0;  ///< to be told to the client
  /// Empty when there is an error.
  class stream stream;
  /// not_connected: no such client; no_buffer_space: too many streams; operation_canceled: the
  /// server is stopping; or why the kernel gives no port.
  std::error_code error;
  /// Of server::hand_over_stream() alone: ends the wait for the client, and, with TLS, the relay.
  /// Any thread.
  std::function<void()> cancel{};

  /// Whether there is a stream.
  explicit operator bool() const noexcept { return tunid != 0; }
};

}  // namespace vsoa
