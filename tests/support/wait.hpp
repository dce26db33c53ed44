// Waiting with a bound, and how patient tests are in this build.
#pragma once

#include <chrono>
#include <functional>

namespace vsoa_test {

using std::chrono::milliseconds;
using test_clock = std::chrono::steady_clock;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif
#else
inline constexpr bool sanitized = false;
#endif

/// How long tests wait for what must happen. Reaching it is a failure, so it may be generous.
inline constexpr milliseconds patience{sanitized ? 20000 : 8000};
/// How long tests watch for what must not happen. Each watch costs this much, so it is short.
inline constexpr milliseconds quiet{200};
/// The longest that a healthy client may wait for an answer while others misbehave.
inline constexpr milliseconds healthy_answer{sanitized ? 5000 : 1000};

/// A point in time by which something must have happened.
class deadline {
 public:
  explicit deadline(milliseconds from_now) : end_(test_clock::now() + from_now) {}

  /// Time left in whole milliseconds, rounded up; 0 when it has passed. Fits poll()'s timeout.
  int left() const;
  bool passed() const { return test_clock::now() >= end_; }
  test_clock::time_point end() const { return end_; }

 private:
  test_clock::time_point end_;
};

/// Evaluates `condition` again and again until it holds or `bound` has passed; says whether it
/// held.
bool wait_until(const std::function<bool()>& condition, milliseconds bound = patience);

}  // namespace vsoa_test
