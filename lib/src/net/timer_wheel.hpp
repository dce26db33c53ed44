// Timeouts of many connections for the price of a list: a hashed wheel, told the time, no clock of
// its own. Coarse (a tick of 10 ms), late by at most a tick, never early.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <chrono>
#include <cstdint>
#include <optional>

namespace vsoa::net {

using steady_time = std::chrono::steady_clock::time_point;

inline steady_time clock_now() noexcept {
  return std::chrono::steady_clock::now();
}

/// `t` + `wait`; the end of time if that is beyond it, as "for ever" may be asked for by a large
/// number. What is negative is nothing.
template <class Rep, class Period>
constexpr steady_time after(steady_time t, std::chrono::duration<Rep, Period> wait) noexcept {
  using coarse = std::chrono::duration<Rep, Period>;
  if (wait <= coarse::zero()) return t;
  // In the unit of `wait`: in the clock's it may be too large.
  if (wait >= std::chrono::floor<coarse>(steady_time::max() - t)) return steady_time::max();
  return t + wait;
}

class timer_wheel {
 public:
  static constexpr std::chrono::milliseconds tick{10};
  static constexpr std::size_t slot_count = 256;

  /// Something that waits for a time. Unlinks itself when destroyed.
  class entry : public boost::intrusive::list_base_hook<
                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    virtual ~entry() = default;
    virtual void on_timer(steady_time now) = 0;
    bool is_waiting() const noexcept { return is_linked(); }
    steady_time due() const noexcept { return due_; }

   private:
    friend class timer_wheel;
    steady_time due_{};
  };

  /// Starts, or moves, an entry.
  void schedule(entry& e, steady_time due);
  static void cancel(entry& e) noexcept {
    if (e.is_linked()) e.unlink();
  }
  /// Runs what is due. Entries may schedule and cancel themselves and others meanwhile.
  void advance(steady_time now);
  /// When advance() is worth calling next; nothing: no entry waits. May be earlier than needed.
  std::optional<steady_time> next() const;

 private:
  using list = boost::intrusive::list<entry, boost::intrusive::constant_time_size<false>>;
  static std::int64_t tick_of(steady_time t) noexcept;

  std::array<list, slot_count> slots_;
  std::int64_t current_ = 0;  // last tick that advance() has finished
};

}  // namespace vsoa::net
