// Two connected sockets, each of which gets what comes from the other: for a client on our side and
// a stream that an upstream server offers. Where both are plain the bytes stay in the kernel,
// between socket and pipe (splice); else they are copied, through the loop's buffer. What the
// receiver does not take waits in the pipe, or a buffer of one piece, and the sender is not read
// meanwhile. Each direction ends by itself, so a half close is passed on.
//
// Everything on the loop's thread.
#pragma once

#include <array>
#include <memory>

#include "net/chunk.hpp"
#include "net/loop.hpp"
#include "net/timer_wheel.hpp"
#include "net/transport.hpp"
#include "stream/opener.hpp"
#include "stream/security.hpp"
#include "stream/stream_registry.hpp"
#include "vsoa/stream.hpp"

namespace vsoa {

class stream_relay final : public tunnel,
                           public std::enable_shared_from_this<stream_relay>,
                           private net::timer_wheel::entry {
 public:
  // Any thread.
  /// @param splices  false: the bytes are copied, as they must be where one side is not plain
  /// @param security  the client's, upstream's
  stream_relay(net::loop& where, const stream_options& options, bool splices,
               std::array<stream_security, 2> security, stream_registry::place place,
               std::shared_ptr<stream_registry> owner);
  ~stream_relay() override;
  /// Soon, on the loop: waits for the client with one, and then goes upstream with the other.
  void open(std::unique_ptr<stream_opener> client, std::unique_ptr<stream_opener> upstream);

  net::loop& where() const noexcept override { return loop_; }
  bool ends_with_client() const noexcept override { return ends_with_client_; }
  void close_here() override;
  void abort_here() override;

 private:
  /// One of the two sockets. Readiness is remembered until a call says that it is over.
  struct side final : net::pollable {
    stream_relay* relay = nullptr;
    std::size_t number = 0;
    net::transport bytes{net::unique_fd{}};
    bool is_readable = false;
    bool is_writable = false;
    void on_ready(std::uint32_t events) override { relay->ready(*this, events); }
  };
  /// What one side sends to the other.
  struct direction {
    side* from = nullptr;
    side* to = nullptr;
    net::unique_fd pipe_in, pipe_out;  // without them the bytes are copied
    std::size_t in_pipe = 0;
    net::chunk_ptr kept;  // copied, and not yet taken: from kept_begin on
    std::size_t kept_begin = 0;
    bool input_ended = false;
    bool ended = false;
    bool is_empty() const noexcept { return in_pipe == 0 && !kept; }
  };

  void begin(std::unique_ptr<stream_opener> client, std::unique_ptr<stream_opener> upstream);
  void connect(std::unique_ptr<stream_opener> with, std::size_t number);
  void opened(std::size_t number, net::unique_fd socket);
  void secure(std::size_t number);
  void secured(std::size_t number);
  void join();
  void ready(side& s, std::uint32_t events);
  void pump();
  void pump_later();
  bool is_over() const noexcept;
  std::size_t move(direction& d);
  std::size_t fill(direction& d);
  std::size_t drain(direction& d);
  std::size_t fill_pipe(direction& d);
  std::size_t drain_pipe(direction& d);
  std::size_t copy(direction& d);
  std::size_t drain_kept(direction& d);
  void on_timer(net::steady_time now) override;
  void finish(bool reset);

  net::loop& loop_;
  const bool ends_with_client_;
  const std::chrono::seconds keepalive_;
  const bool splices_;
  const std::shared_ptr<stream_registry> owner_;
  stream_registry::place place_;
  std::array<stream_security, 2> security_;
  std::array<std::unique_ptr<stream_opener>, 2> openers_;
  std::array<side, 2> sides_;            // the client's, upstream's
  std::array<direction, 2> directions_;  // from the client, from upstream
  bool is_joined_ = false;
  bool is_pump_posted_ = false;
  bool is_broken_ = false;
  bool has_ended_ = false;
};

}  // namespace vsoa
