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
#include <string_view>
#include <vector>

#include "broker/interfaces.hpp"
#include "config/config.hpp"
#include "vsoa/address.hpp"

namespace vsoad {

class own_services {
 public:
  /// @param interfaces  the addresses of this machine; replaced by tests
  explicit own_services(
      std::function<std::vector<interface_address>()> interfaces = interface_addresses);

  /// What there is from now on. Any thread.
  /// @param listen  of each service, as bound
  void update(std::vector<config::service_settings> services,
              std::vector<std::vector<vsoa::socket_address>> listen);

  /// Why a service must not forward to a server that it has connected to; empty: it may, which is
  /// remembered. Any thread.
  /// @param service  its name
  /// @param url      of the server, as configured
  /// @param local    our end of the connection
  std::string objection(std::string_view service, const std::string& url,
                        const vsoa::socket_address& server, const vsoa::socket_address& local);

 private:
  std::optional<std::size_t> index_of(std::string_view service) const;
  std::optional<std::size_t> service_at(const vsoa::socket_address& server,
                                        const vsoa::socket_address& local) const;

  const std::function<std::vector<interface_address>()> interfaces_;
  std::mutex mutex_;
  // Under mutex_:
  std::vector<config::service_settings> services_;
  std::vector<std::vector<vsoa::socket_address>> listen_;
  std::map<std::string, std::string> targets_;  // names of services, by URL
};

}  // namespace vsoad
