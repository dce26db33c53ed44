// A main thread that waits for Ctrl-C, SIGTERM, a time, or what other threads tell it.
#pragma once

#include <chrono>
#include <optional>

namespace vsoad::ctl {

/// Construct it before any thread is made: they inherit that the signals are blocked.
class interruption {
 public:
  enum class cause { signal, woken, time };

  interruption();
  ~interruption();
  interruption(const interruption&) = delete;
  interruption& operator=(const interruption&) = delete;
  /// Ends the wait, or the next one. Any thread.
  void wake() const noexcept;
  /// @param patience  nothing: for ever
  cause wait(std::optional<std::chrono::milliseconds> patience = {}) const;

 private:
  int signals_;
  int event_;
};

}  // namespace vsoad::ctl
