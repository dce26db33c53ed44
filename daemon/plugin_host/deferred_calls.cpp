#include "plugin_host/deferred_calls.hpp"

#include <utility>

namespace vsoad {

vsoa_call* deferred_calls::add(vsoa::deferred_call call) {
  const std::lock_guard lock(mutex_);
  if (closed_) return nullptr;  // `call` answers NO_RESPONDING as it goes
  do {
    last_ += 2;
  } while (calls_.count(last_ | 1U) != 0);  // with 32 bits the numbers come round
  const std::uintptr_t token = last_ | 1U;
  calls_.emplace(token, std::move(call));
  // Never dereferenced: an opaque number in the ABI's pointer type.
  return reinterpret_cast<vsoa_call*>(token);  // NOLINT(performance-no-int-to-ptr)
}

std::optional<vsoa::deferred_call> deferred_calls::take(const vsoa_call* token) {
  const std::lock_guard lock(mutex_);
  const auto found = calls_.find(reinterpret_cast<std::uintptr_t>(token));
  if (found == calls_.end()) return {};
  std::optional<vsoa::deferred_call> call(std::move(found->second));
  calls_.erase(found);
  return call;
}

std::size_t deferred_calls::close() {
  std::unordered_map<std::uintptr_t, vsoa::deferred_call> left;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    left.swap(calls_);
  }
  return left.size();
}

std::size_t deferred_calls::count() const {
  const std::lock_guard lock(mutex_);
  return calls_.size();
}

}  // namespace vsoad
