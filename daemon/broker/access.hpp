// What the clients of a service may do, by their roles: the rules of its `access`.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"
#include "vsoa/server.hpp"
#include "vsoa/url_map.hpp"

namespace vsoad {

/// Never changes once made: any thread, no lock.
class access_rules {
 public:
  explicit access_rules(const std::vector<config::access_rule>& rules);

  bool empty() const noexcept { return by_role_.empty(); }
  /// @param url  of `subscribe`, what is subscribed to: all of it must be allowed
  bool allow(std::string_view role, vsoa::server::access what, std::string_view url) const;

 private:
  // By vsoa::server::access.
  using permissions = std::array<vsoa::url_map<bool>, 3>;

  // "": what every client may; the others have that, too.
  std::map<std::string, permissions, std::less<>> by_role_;
};

}  // namespace vsoad
