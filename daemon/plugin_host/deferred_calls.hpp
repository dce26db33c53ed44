// The calls that a plugin has taken out of their callbacks and not yet answered. A plugin holds a
// token, not a pointer: one used twice, or after the end, is found to be unknown and touches
// nothing.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "vsoa/plugin.h"
#include "vsoa/server.hpp"

namespace vsoad {

class deferred_calls {
 public:
  /// Whether a plugin's call pointer is one of these tokens. Real objects have even addresses.
  static bool is_token(const vsoa_call* call) noexcept {
    return (reinterpret_cast<std::uintptr_t>(call) & 1U) != 0;
  }

  /// Keeps a call. NULL once closed.
  vsoa_call* add(vsoa::deferred_call call);
  /// Takes it out again; nothing when the token is not, or no longer, known.
  std::optional<vsoa::deferred_call> take(const vsoa_call* token);
  /// Refuses further ones and drops those that are left, which answers them NO_RESPONDING.
  /// @return how many there were
  std::size_t close();
  std::size_t count() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::uintptr_t, vsoa::deferred_call> calls_;  // under mutex_
  std::uintptr_t last_ = 0;                                        // under mutex_
  bool closed_ = false;                                            // under mutex_
};

}  // namespace vsoad
