// Looks a name up with libvsoa's public interface and prints what it found, for tests that run
// against official position servers: lib_lookup NAME any|inet|inet6. Servers come from
// VSOA_POS_SERVER.
#include <chrono>
#include <iostream>
#include <string_view>

#include "vsoa/position.hpp"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string_view domain = argv[2];
  vsoa::lookup_options options;
  options.timeout = std::chrono::milliseconds{500};
  if (domain == "inet") options.domain = vsoa::position_domain::inet;
  if (domain == "inet6") options.domain = vsoa::position_domain::inet6;
  const auto found = vsoa::lookup(argv[1], options);
  if (!found) {
    std::cout << "unknown\n";
    return 1;
  }
  std::cout << found->address.to_string() << (found->secure ? " secure\n" : " plain\n");
}
