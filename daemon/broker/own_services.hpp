// The services of this daemon as others would find them, so that none of them forwards calls to
// itself, or in a circle with others of them. The configuration shows no circle whose way goes
// through an address of this machine that it does not name, or through somebody else's position
// server: that is seen when the connection stands.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "broker/interfaces.hpp"
#include "config/config.hpp"
#include "vsoa/address.hpp"

namespace vsoad {

class own_services {
 public:
  /// @param listen  of each service, as bound
  /// @param interfaces  the addresses of this machine; replaced by tests
  own_services(std::vector<config::service_settings> services,
               std::vector<std::vector<vsoa::socket_address>> listen,
               std::function<std::vector<interface_address>()> interfaces = interface_addresses);

  /// Why a service must not forward to a server that it has connected to; empty: it may, which is
  /// remembered. Any thread.
  /// @param service  index
  /// @param url      of the server, as configured
  /// @param local    our end of the connection
  std::string objection(std::size_t service, const std::string& url,
                        const vsoa::socket_address& server, const vsoa::socket_address& local);

 private:
  std::optional<std::size_t> service_at(const vsoa::socket_address& server,
                                        const vsoa::socket_address& local) const;

  const std::vector<config::service_settings> services_;
  const std::vector<std::vector<vsoa::socket_address>> listen_;
  const std::function<std::vector<interface_address>()> interfaces_;
  std::mutex mutex_;
  std::map<std::string, std::size_t> targets_;  // under mutex_: by URL
};

}  // namespace vsoad
