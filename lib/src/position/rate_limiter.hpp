// How many answers one source gets: a token bucket for each address, in a table of fixed size. The
// source of a datagram is easily forged; without a limit, a position server would multiply an
// attacker's traffic towards whomever he names as the source.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "vsoa/address.hpp"

namespace vsoa::position {

class rate_limiter {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// @param per_second  tokens that a source gains; 0: no limit
  /// @param burst       tokens that a source has at most, and at first; 1 or more
  rate_limiter(std::uint32_t per_second, std::uint32_t burst);

  /// Takes a token of the source. False: it has none left.
  bool allow(const ip_address& source, time_point now);

 private:
  // Sets of a few buckets each: when a set is full, the bucket that was idle longest is reused.
  // Under a flood of forged sources that forgets somebody's tokens now and then, and costs nothing
  // else.
  static constexpr std::size_t sets = 1024;
  static constexpr std::size_t buckets_per_set = 4;

  struct bucket {
    ip_address source;
    double tokens = 0;
    time_point updated;
    bool used = false;
  };

  bucket& find(const ip_address& source, time_point now);

  const double per_second_;
  const double burst_;
  const std::uint64_t seed_;  // nobody outside can tell which sources share a set
  std::vector<bucket> buckets_;
};

}  // namespace vsoa::position
