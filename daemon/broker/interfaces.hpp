// The addresses of this machine.
#pragma once

#include <string>
#include <vector>

#include "vsoa/address.hpp"

namespace vsoad {

struct interface_address {
  std::string interface;
  vsoa::ip_address ip;
};

/// Those of all interfaces that are up, in the kernel's order. Empty when they can't be read.
std::vector<interface_address> interface_addresses();

bool is_loopback(const vsoa::ip_address& ip) noexcept;
bool is_link_local(const vsoa::ip_address& ip) noexcept;

}  // namespace vsoad
