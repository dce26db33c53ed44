// When a client pings, and when it gives its server up. No clock: the time is an argument. Source:
// the wire notes, lib/README.md, "The client".
#pragma once

#include <chrono>
#include <optional>

namespace vsoa::protocol {

class keepalive {
 public:
  using time = std::chrono::steady_clock::time_point;
  enum class action { none, ping, lost };

  struct settings {
    std::chrono::milliseconds interval{0};  ///< 0: never a ping
    /// Pings in a row that may stay without answer; nothing: any number.
    std::optional<unsigned> max_lost;
  };

  /// A connection begins.
  void start(const settings& s, time now) noexcept {
    settings_ = s;
    lost_ = 0;
    awaiting_ = false;
    due_ = s.interval.count() > 0 ? now + s.interval : time::max();
  }
  void stop() noexcept { due_ = time::max(); }
  /// When tick() is to be called next.
  time due() const noexcept { return due_; }
  /// Time has passed. `ping`: send one now.
  action tick(time now) noexcept {
    if (now < due_) return action::none;
    if (awaiting_) ++lost_;
    if (settings_.max_lost && lost_ > *settings_.max_lost) {
      stop();
      return action::lost;
    }
    awaiting_ = true;
    due_ = now + settings_.interval;
    return action::ping;
  }
  /// A ping has been answered, be it late.
  void answered() noexcept {
    lost_ = 0;
    awaiting_ = false;
  }

 private:
  settings settings_;
  time due_ = time::max();
  unsigned lost_ = 0;
  bool awaiting_ = false;
};

}  // namespace vsoa::protocol
