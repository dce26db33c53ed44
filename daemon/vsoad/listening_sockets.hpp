// The sockets on which services and the position server are reached. They may have been bound
// before this process began, by vsoad.socket or by the vsoad that ran before it and left them in
// systemd's store: then they are used, so that a restart refuses no connection.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin_host/unique_fd.hpp"
#include "vsoa/address.hpp"
#include "vsoa/log.hpp"
#include "vsoa/server.hpp"

namespace vsoad {

/// A socket that systemd has handed over.
struct inherited_socket {
  unique_fd fd;
  std::string name;  ///< of FileDescriptorName=, or of ours in the store
};

/// What systemd has handed over ($LISTEN_FDS, $LISTEN_FDNAMES), which are unset then. Once, before
/// there are threads.
std::vector<inherited_socket> inherit_sockets();

/// Where a socket is bound. Nothing: it is none of TCP's or UDP's.
std::optional<vsoa::socket_address> bound_address(int fd);

/// Holds the sockets of all addresses in use, and hands out copies of their descriptors: whoever
/// serves an address can be replaced without the address being free in between. What is bound here
/// is also left in systemd's store, if there is one (FileDescriptorStoreMax=). One thread at a
/// time.
class listening_sockets {
 public:
  /// Inherited sockets that are none of ours to use are closed, with a warning.
  listening_sockets(std::vector<inherited_socket> inherited, vsoa::log_sink log);
  listening_sockets(const listening_sockets&) = delete;
  listening_sockets& operator=(const listening_sockets&) = delete;

  /// TCP and UDP of a service's address: those held, else inherited, else bound now. With port 0
  /// always bound now. Throws std::system_error naming the address, and std::runtime_error if
  /// vsoad.socket has only one of the two.
  /// @return  descriptors of the caller's own, for vsoa::server::listen()
  vsoa::bound_sockets for_service(const vsoa::socket_address& address);
  /// The same, UDP alone, for vsoa::position_server::listen().
  int for_position(const vsoa::socket_address& address);

  /// The address is no longer used: closes what is held of it, and takes it out of systemd's store.
  /// It can be bound anew when this returns and whoever used it has closed its own. Sockets of
  /// vsoad.socket are kept, with a warning: systemd has them, too, so nobody else can bind the
  /// address, but it can be asked for again. Unknown addresses are ignored.
  void release_service(const vsoa::socket_address& address);
  /// See release_service().
  void release_position(const vsoa::socket_address& address);

  /// Closes what was inherited and has not been asked for; what is of vsoad.socket, which then
  /// listens for what nobody serves, is kept, with a warning.
  void close_unused();
  /// Before the end of the process: closes all that is held here, and leaves what is in systemd's
  /// store for the next one.
  void close();

 private:
  /// One address: of a service or of the position server.
  struct holding {
    unique_fd tcp;  // of a service
    unique_fd udp;
    std::string stored;  // its name in systemd's store; empty: it is not there
    std::string unit;    // the name of the socket unit's that has bound it; empty: we have
  };
  struct key {
    bool position = false;
    vsoa::socket_address address;
    auto operator<=>(const key&) const = default;
  };
  using holdings = std::map<key, holding>;

  void sort_in(inherited_socket socket);
  const holding& find_or_bind(const key& wanted);
  holding take_inherited(const key& wanted);
  const holding& bind(const key& wanted);
  void store(const key& of, holding& sockets) const;
  void remove_from_store(const std::string& name) const;
  void release(const key& of);
  void log(vsoa::log_level level, const std::string& line) const;
  void keep(unique_fd fd, bool tcp, const key& of, const std::string& unit);

  struct unused_socket {
    vsoa::socket_address address;
    bool tcp = false;
    inherited_socket socket;
  };
  void warn_of(const unused_socket& one) const;
  unique_fd take_unused(const vsoa::socket_address& address, bool tcp, std::string& name);

  const vsoa::log_sink log_;
  std::vector<unused_socket> unused_;
  holdings held_;
};

}  // namespace vsoad
