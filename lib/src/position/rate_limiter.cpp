#include "position/rate_limiter.hpp"

#include <algorithm>
#include <random>

namespace vsoa::position {
namespace {

// Whoever has one IPv6 address has its whole /64.
constexpr std::size_t v6_network_bytes = 8;

ip_address network_of(const ip_address& source) {
  auto network = source;
  network.scope_id = 0;
  if (network.v6) {
    std::fill(network.bytes.begin() + v6_network_bytes, network.bytes.end(), std::uint8_t{0});
  }
  return network;
}

std::uint64_t random_seed() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

// Multiply and mix, seeded: enough to keep sets unpredictable from outside.
std::uint64_t hash(const ip_address& address, std::uint64_t seed) {
  auto value = seed ^ static_cast<std::uint64_t>(address.v6);
  for (const auto byte : address.bytes) {
    value = (value ^ byte) * 0x9E3779B97F4A7C15U;
    value ^= value >> 29;
  }
  return value;
}

}  // namespace

rate_limiter::rate_limiter(std::uint32_t per_second, std::uint32_t burst)
    : per_second_(per_second),
      burst_(std::max<std::uint32_t>(burst, 1)),
      seed_(random_seed()),
      buckets_(per_second == 0 ? 0 : sets * buckets_per_set) {}

rate_limiter::bucket& rate_limiter::find(const ip_address& source, time_point now) {
  const auto first = (hash(source, seed_) % sets) * buckets_per_set;
  bucket* idle = &buckets_[first];
  for (auto i = first; i < first + buckets_per_set; ++i) {
    auto& candidate = buckets_[i];
    if (candidate.used && candidate.source == source) return candidate;
    if (!candidate.used || (idle->used && candidate.updated < idle->updated)) {
      idle = &candidate;
    }
  }
  *idle = {source, burst_, now, true};
  return *idle;
}

bool rate_limiter::allow(const ip_address& source, time_point now) {
  if (buckets_.empty()) return true;
  auto& entry = find(network_of(source), now);
  const std::chrono::duration<double> gained = std::max(now - entry.updated, {});
  entry.tokens = std::min(burst_, entry.tokens + gained.count() * per_second_);
  entry.updated = now;
  if (entry.tokens < 1) return false;
  entry.tokens -= 1;
  return true;
}

}  // namespace vsoa::position
