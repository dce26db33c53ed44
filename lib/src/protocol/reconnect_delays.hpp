// How long a robot waits before each attempt. No clock, and no randomness of its own. Source: the
// wire notes, lib/README.md, "The client".
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace vsoa::protocol {

class reconnect_delays {
 public:
  using delay = std::chrono::milliseconds;

  /// @param most  not more than `first`: it is always that
  void start(delay first, delay most) noexcept {
    first_ = first;
    most_ = std::max(first, most);
    bound_ = first;
  }
  /// There is a connection: what follows it waits as the first did.
  void connected() noexcept { bound_ = first_; }
  /// The next one: from half of a bound, that doubles each time, to all of it; so those who lost
  /// one server at one time do not all come back at one time.
  /// @param random  any number, each as likely
  delay next(std::uint32_t random) noexcept {
    const delay::rep half = bound_.count() / 2;
    const auto spread = static_cast<delay::rep>(static_cast<double>(half) * random / 0x1p32);
    const delay wait = std::max(first_, bound_ - delay(half) + delay(spread));
    bound_ = bound_ > most_ / 2 ? most_ : 2 * bound_;
    return wait;
  }

 private:
  delay first_{0};
  delay most_{0};
  delay bound_{0};
};

}  // namespace vsoa::protocol
