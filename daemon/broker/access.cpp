#include "broker/access.hpp"

#include <cstddef>
#include <utility>

namespace vsoad {

access_rules::access_rules(const std::vector<config::access_rule>& rules) {
  if (rules.empty()) return;
  by_role_[""];
  for (const config::access_rule& r : rules)
    by_role_[r.role];
  for (auto& [role, allowed] : by_role_) {
    for (const config::access_rule& r : rules) {
      if (!r.role.empty() && r.role != role) continue;
      const std::array<bool, 3> granted{r.call, r.subscribe, r.datagram};
      for (std::size_t i = 0; i < granted.size(); ++i) {
        if (!granted[i]) continue;
        for (const std::string& url : r.urls)
          allowed[i][url] = true;
      }
    }
  }
}

// What takes a URL "X/" takes all that a subscription to "X/" does.
bool access_rules::allow(std::string_view role, vsoa::server::access what,
                         std::string_view url) const {
  if (by_role_.empty()) return true;
  auto found = by_role_.find(role);
  if (found == by_role_.end()) found = by_role_.find("");
  return static_cast<bool>(found->second[static_cast<std::size_t>(what)].best_match(url));
}

}  // namespace vsoad
