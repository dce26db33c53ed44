// A main thread that waits for Ctrl-C, SIGTERM, a time, a descriptor, or what other threads tell
// it.
#pragma once

#include <chrono>
#include <optional>

namespace vsoad::ctl {

/// Construct it before any thread is made: they inherit that the signals are blocked. The first
/// signal ends a wait; after it the next one ends the process, should its end take long.
class interruption {
 public:
  enum class cause { signal, woken, readable, time };

  interruption();
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;
  /// Ends the wait, or the next one. Any thread.
  void wake() const noexcept;
  /// @param patience  nothing: for ever
  /// @param fd        may be read from: readable; negative: none
  cause wait(std::optional<std::chrono::milliseconds> patience = {}, int fd = -1) const;
  bool has_come() const noexcept { return has_come_; }  ///< the first signal

 private:
  int signals_;
  int event_;
  mutable bool has_come_ = false;
};

}  // namespace vsoad::ctl
