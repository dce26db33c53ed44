// What is behind a `stream`. It lives on one loop: all is the loop's thread's alone, but for what
// is atomic and what says "any thread".
//
// Writing: send() on the loop goes to the kernel at once; what the kernel does not take is copied
// into the outbox and leaves when the socket is writable. From other threads a copy is posted. Both
// count in queued_, which is bounded. Reading: into the loop's buffer, a piece at a time, handed on
// from there. A stream at rest has no buffer.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include "net/counter.hpp"
#include "net/loop.hpp"
#include "net/outbox.hpp"
#include "net/timer_wheel.hpp"
#include "net/transport.hpp"
#include "stream/opener.hpp"
#include "stream/security.hpp"
#include "stream/stream_registry.hpp"
#include "vsoa/stream.hpp"

namespace vsoa {

class stream_impl final : public tunnel,
                          public std::enable_shared_from_this<stream_impl>,
                          private net::pollable,
                          private net::timer_wheel::entry {
 public:
  // Any thread.
  stream_impl(net::loop& where, stream_callbacks callbacks, const stream_options& options,
              stream_security security, stream_registry::place place,
              std::shared_ptr<stream_registry> owner);
  ~stream_impl() override;
  /// Soon, on the loop: has the opener find the other side.
  void open(std::unique_ptr<stream_opener> opener);

  // Any thread; see vsoa::stream.
  std::size_t send(std::span<const std::byte> bytes);
  bool is_writable();
  void set_paused(bool paused);
  void shutdown_write();
  void close();
  void abort();
  void set_keepalive(std::chrono::seconds idle);
  void set_send_timeout(std::chrono::milliseconds timeout);
  bool is_connected() const noexcept {
    return state_.load(std::memory_order_acquire) == state::connected;
  }
  std::error_code error() const noexcept;
  stream_counters counters() const noexcept;
  socket_address peer() const;

  net::loop& where() const noexcept override { return loop_; }
  bool ends_with_client() const noexcept override { return options_.ends_with_client; }
  void close_here() override;
  void abort_here() override;

 private:
  enum class state : std::uint8_t { opening, connected, closing, ended };

  /// How long a stream that was closed here waits for the other side to take what is queued, and
  /// then to close, too.
  static constexpr std::chrono::seconds linger_time{5};
  /// Written for one stream before all others on the loop have had their turn.
  static constexpr std::size_t turn_bytes = std::size_t{1} << 20U;

  /// Runs work(*this) at once when this is the loop's thread, else soon. It must not end the stream
  /// or call back: the caller may be in a callback.
  template <class Work>
  void on_loop(Work work);
  void begin(std::unique_ptr<stream_opener> opener);
  void opened(net::unique_fd socket, std::error_code error);
  void secure();
  void connected();

  void on_ready(std::uint32_t events) override;
  void update_interest();
  /// Whether bytes are to be read now.
  bool wants_input() const noexcept;
  void on_readable();
  void read_once();
  void input_ended();
  void finish_broken();

  std::size_t send_here(std::span<const std::byte> bytes);
  std::size_t send_from_outside(std::span<const std::byte> bytes);
  void take_in(net::slice piece);
  net::transport::result write(std::span<iovec> parts);
  bool is_all_here() const noexcept;
  bool is_writable_here() const noexcept;
  void want_writable();
  void flush();
  void flush_last();
  void flushed();
  void end_output();
  void wait_writable();
  void tell_writable();
  void forget_queued(std::size_t bytes) noexcept;

  void on_timer(net::steady_time now) override;
  std::chrono::milliseconds patience() const noexcept;
  bool is_stuck(net::steady_time now);
  bool is_peer_gone(net::steady_time now);
  void look_after_peer();
  void arm(net::steady_time when);
  void end_here();
  void fail_soon(int error);
  void finish(std::error_code why);
  template <class Callback, class... Arguments>
  void tell(const Callback& callback, const Arguments&... arguments);

  net::loop& loop_;
  stream_callbacks callbacks_;
  stream_options options_;  // but for `outbox` and `ends_with_client`, the loop's thread's
  const std::shared_ptr<stream_registry> owner_;
  stream_registry::place place_;
  std::unique_ptr<stream_opener> opener_;  // until there is a socket
  stream_security security_;               // until connected
  net::transport transport_{net::unique_fd{}};
  socket_address peer_;  // does not change once connected
  net::outbox outbox_;
  std::size_t budget_ = 0;  // bytes that may be written before others have their turn
  net::steady_time blocked_since_ = net::steady_time::max();
  net::steady_time secure_until_ = net::steady_time::max();
  net::steady_time linger_until_ = net::steady_time::max();
  net::steady_time look_at_ = net::steady_time::max();  // whether the peer still answers
  std::uint32_t interest_ = 0;
  bool waiting_writable_ = false;
  bool input_ended_ = false;
  bool is_silent_ = false;     // ended by a callback: soon closed, until then nothing more is told
  bool is_last_ = false;       // nothing comes behind what is queued
  bool output_ended_ = false;  // the other side has been told
  bool resets_ = false;        // at its end the other side shall see a reset

  std::atomic<state> state_{state::opening};
  std::atomic<bool> paused_{false};     // as it was last wanted, though not yet done
  std::atomic<bool> said_all_{false};   // no send() is taken any more
  std::atomic<bool> was_full_{false};   // somebody waits for on_writable
  std::atomic<std::size_t> queued_{0};  // in the outbox, or on the way to it
  std::atomic<int> error_{0};
  net::counter received_, sent_;
};

template <class Work>
void stream_impl::on_loop(Work work) {
  if (state_.load(std::memory_order_acquire) == state::ended) return;
  if (loop_.is_here()) return work(*this);
  loop_.post([self = shared_from_this(), work] { work(*self); });
}

template <class Callback, class... Arguments>
void stream_impl::tell(const Callback& callback, const Arguments&... arguments) {
  if (!callback) return;
  try {
    callback(stream(shared_from_this()), arguments...);
  } catch (const std::exception& e) {
    loop_.log_line(log_level::error, std::string("stream callback: ") + e.what());
  } catch (...) {
    loop_.log_line(log_level::error, "stream callback: unknown exception");
  }
}

}  // namespace vsoa
