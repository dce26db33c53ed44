#include "wait.hpp"

#include <poll.h>

#include <algorithm>

namespace vsoa_test {

int deadline::left() const {
  const auto rest = std::chrono::ceil<milliseconds>(end_ - test_clock::now()).count();
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(rest, 0, 1 << 30));
}

bool wait_until(const std::function<bool()>& condition, milliseconds bound) {
  const deadline until{bound};
  while (!condition()) {
    if (until.passed()) return false;
    ::poll(nullptr, 0, std::min(until.left(), 5));
  }
  return true;
}

}  // namespace vsoa_test
