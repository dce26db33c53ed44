// Who may connect: the limits on connections, on those of one address, and on handshakes under way.
// Where a limit is reached, the oldest connection that is still in its handshake gives way, so that
// silent connections can't shut a server for others. Sans-I/O; any thread.
#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "vsoa/address.hpp"
#include "vsoa/server.hpp"

namespace vsoa {

class gatekeeper {
 public:
  explicit gatekeeper(const server_limits& limits) : limits_(limits) {}

  void set_limits(const server_limits& limits) {
    const std::lock_guard lock(mutex_);
    limits_ = limits;
  }

  struct verdict {
    bool admitted = false;
    bool id_taken = false;               ///< try another
    std::optional<client_id> displaced;  ///< to be closed; already no longer counted
  };
  /// A connection from `ip` wants in; if admitted it is in its handshake as client `id`.
  verdict admit(client_id id, const ip_address& address);
  void passed(client_id id);
  /// Whether it counts: admitted, not displaced, not gone.
  bool is_member(client_id id);
  /// The connection is gone. Harmless for one that was displaced.
  void gone(client_id id);

 private:
  struct member {
    ip_address ip;
    std::optional<std::list<client_id>::iterator> waiting;  // in its handshake
  };
  struct ip_hash {
    std::size_t operator()(const ip_address& ip) const noexcept;
  };
  std::optional<client_id> oldest_waiting(const ip_address& ip, bool same_address) const;
  void remove(client_id id);

  std::mutex mutex_;
  // All below is guarded by mutex_.
  server_limits limits_;
  std::unordered_map<client_id, member> members_;
  std::unordered_map<ip_address, std::size_t, ip_hash> by_address_;
  std::list<client_id> waiting_;  // oldest first
};

}  // namespace vsoa
