#include "server/gatekeeper.hpp"

#include <algorithm>
#include <string_view>

namespace vsoa {

std::size_t gatekeeper::ip_hash::operator()(const ip_address& ip) const noexcept {
  return std::hash<std::string_view>()(
      {reinterpret_cast<const char*>(ip.bytes.data()), ip.bytes.size()});
}

namespace {

// Who has one IPv6 address has 2^64 of them: they count as one.
ip_address network_of(ip_address ip) {
  if (ip.v6) std::fill(ip.bytes.begin() + 8, ip.bytes.end(), std::uint8_t{0});
  return ip;
}

}  // namespace

gatekeeper::verdict gatekeeper::admit(client_id id, const ip_address& address) {
  const ip_address ip = network_of(address);
  const std::lock_guard lock(mutex_);
  const auto same = by_address_.find(ip);
  const bool address_full =
      same != by_address_.end() && same->second >= limits_.clients_per_address;
  const bool full = members_.size() >= limits_.clients || waiting_.size() >= limits_.handshakes;
  verdict result;
  if (members_.contains(id)) {
    result.id_taken = true;
    return result;
  }
  if (address_full || full) {
    result.displaced = oldest_waiting(ip, address_full);
    if (!result.displaced) return result;
    remove(*result.displaced);
  }
  result.admitted = true;
  members_[id] = {ip, waiting_.insert(waiting_.end(), id)};
  ++by_address_[ip];
  return result;
}

// A full address makes room among its own; only a full server takes from anybody.
std::optional<client_id> gatekeeper::oldest_waiting(const ip_address& ip, bool same_address) const {
  for (const client_id id : waiting_) {
    if (!same_address || members_.at(id).ip == ip) return id;
  }
  return {};
}

void gatekeeper::passed(client_id id) {
  const std::lock_guard lock(mutex_);
  const auto found = members_.find(id);
  if (found == members_.end() || !found->second.waiting) return;
  waiting_.erase(*found->second.waiting);
  found->second.waiting.reset();
}

bool gatekeeper::is_member(client_id id) {
  const std::lock_guard lock(mutex_);
  return members_.contains(id);
}

void gatekeeper::gone(client_id id) {
  const std::lock_guard lock(mutex_);
  remove(id);
}

void gatekeeper::remove(client_id id) {
  const auto found = members_.find(id);
  if (found == members_.end()) return;
  if (found->second.waiting) waiting_.erase(*found->second.waiting);
  const auto same = by_address_.find(found->second.ip);
  if (--same->second == 0) by_address_.erase(same);
  members_.erase(found);
}

}  // namespace vsoa
