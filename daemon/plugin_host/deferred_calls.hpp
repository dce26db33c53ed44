// The calls that a plugin has taken out of their callbacks and not yet answered, and those that
// have a limit of time. A plugin holds a token, not a pointer: one used twice, or after the end, is
// found to be unknown and touches nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "vsoa/plugin.h"
#include "vsoa/runtime.hpp"
#include "vsoa/server.hpp"

namespace vsoad {

class deferred_calls {
 public:
  /// @param loop  for limits of time, where the caller is on none
  deferred_calls(vsoa::runtime& loops, std::size_t loop);

  /// Whether a plugin's call pointer is one of these tokens. Real objects have even addresses.
  static bool is_token(const vsoa_call* call) noexcept {
    return (reinterpret_cast<std::uintptr_t>(call) & 1U) != 0;
  }

  /// Keeps a call. NULL once closed.
  /// @param timeout  then it is answered NO_RESPONDING, and not known any more; zero: never
  vsoa_call* add(vsoa::deferred_call call, std::chrono::milliseconds timeout = {});
  /// Takes it out again; nothing when the token is not, or no longer, known.
  std::optional<vsoa::deferred_call> take(const vsoa_call* token);
  bool knows(const vsoa_call* token) const;
  /// Refuses further ones and drops those that are left, which answers them NO_RESPONDING.
  /// @return how many there were
  std::size_t close();
  std::size_t count() const;
  std::uint64_t timeouts() const;  ///< calls whose time was over

 private:
  struct board;
  std::shared_ptr<board> board_;  // shared with timers
};

}  // namespace vsoad
