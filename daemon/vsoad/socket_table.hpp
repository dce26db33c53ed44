// The sockets on which this daemon is reached. It keeps one of each for itself and gives servers
// duplicates, so that an address can pass from one service to another without a moment at which
// nobody listens there. Not thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "plugin_host/unique_fd.hpp"
#include "vsoa/address.hpp"
#include "vsoa/server.hpp"

namespace vsoad {

/// Who listens where, by the configuration.
struct listen_place {
  std::string owner;            ///< a service's name; empty: the position server, UDP alone
  vsoa::socket_address wanted;  ///< port 0: of the kernel's choice
  std::size_t number = 0;       ///< among those of the owner with the same address

  bool operator==(const listen_place&) const = default;
};

class socket_table {
 public:
  struct pair {
    unique_fd tcp, udp;  // of the position server: no tcp
  };
  struct entry {
    listen_place place;
    pair sockets;
  };

  /// Where sockets are looked for before any are bound: those that systemd has handed over. Takes
  /// an address; what is missing of the pair is bound.
  using source = std::function<pair(const vsoa::socket_address& wanted, bool with_tcp)>;
  void set_source(source from) { source_ = std::move(from); }

  /// What is missing for `wanted`: bound, or a duplicate of what somebody has there who is not in
  /// `wanted`. The table stays as it is. Throws std::runtime_error, fit for the operator.
  std::vector<entry> bind_missing(const std::vector<listen_place>& wanted) const;
  /// Takes those in, and closes what is not in `wanted`.
  void commit(std::vector<entry> fresh, const std::vector<listen_place>& wanted);
  /// Duplicates, for a server. @pre it is in the table. Throws std::system_error.
  vsoa::bound_sockets share(const listen_place& place) const;
  /// Closes all, so that who connects now is refused.
  void clear() { entries_.clear(); }
  const std::vector<entry>& entries() const noexcept { return entries_; }

 private:
  const entry* find(const listen_place& place) const;
  pair bind(const listen_place& place, const std::vector<listen_place>& wanted) const;

  source source_;
  std::vector<entry> entries_;
};

}  // namespace vsoad
