#include "broker/own_services.hpp"

#include <algorithm>
#include <utility>

#include "config/circle.hpp"

namespace vsoad {

own_services::own_services(std::function<std::vector<interface_address>()> interfaces)
    : interfaces_(std::move(interfaces)) {}

void own_services::update(std::vector<config::service_settings> services,
                          std::vector<std::vector<vsoa::socket_address>> listen) {
  const std::lock_guard lock(mutex_);
  services_ = std::move(services);
  listen_ = std::move(listen);
}

std::optional<std::size_t> own_services::index_of(std::string_view service) const {
  const auto found = std::find_if(services_.begin(), services_.end(),
                                  [&](const auto& each) { return each.name == service; });
  if (found == services_.end()) return {};
  return static_cast<std::size_t>(found - services_.begin());
}

std::optional<std::size_t> own_services::service_at(const vsoa::socket_address& server,
                                                    const vsoa::socket_address& local) const {
  const auto is_here = [&](const vsoa::ip_address& ip) {
    // A connection to one's own address has that address at both ends, mostly.
    if (ip == local.ip || is_loopback(ip)) return true;
    const auto all = interfaces_();
    return std::any_of(all.begin(), all.end(), [&ip](const auto& each) { return each.ip == ip; });
  };
  for (std::size_t i = 0; i < listen_.size(); ++i) {
    const bool is_this =
        std::any_of(listen_[i].begin(), listen_[i].end(), [&](const vsoa::socket_address& l) {
          if (l.port != server.port || l.ip.v6 != server.ip.v6) return false;
          return l.ip == server.ip || (l.ip.is_unspecified() && is_here(server.ip));
        });
    if (is_this) return i;
  }
  return {};
}

std::string own_services::objection(std::string_view service, const std::string& url,
                                    const vsoa::socket_address& server,
                                    const vsoa::socket_address& local) {
  const std::lock_guard lock(mutex_);
  const auto from = index_of(service);
  const auto target = service_at(server, local);
  if (!target || !from) {
    targets_.erase(url);
    return {};
  }
  if (*target == *from) return "is this service itself";
  targets_[url] = services_[*target].name;
  const auto find = [this](const config::command_settings& c) -> std::optional<std::size_t> {
    const auto known = targets_.find(c.forward.url);
    if (known == targets_.end()) return {};
    return index_of(known->second);
  };
  const auto& commands = services_[*from].commands;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (commands[i].forward.url != url || !config::goes_round(services_, *from, i, find)) continue;
    targets_.erase(url);  // the others of the circle may go on
    return "is service \"" + services_[*target].name + "\", which forwards " + commands[i].url +
           " back";
  }
  return {};
}

}  // namespace vsoad
