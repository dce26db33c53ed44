// A position server: tells where services are. Clients find it by VSOA_POS_SERVER or /etc/vsoa.pos.
//
//   example_position ADDRESS:PORT NAME=ADDRESS:PORT ...
#include <vsoa/position.hpp>

#include <exception>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "ending.hpp"

namespace {

using services = std::map<std::string, vsoa::socket_address>;

void run(const vsoa::socket_address& address, const services& known) {
  const ending end;
  vsoa::runtime loops;
  vsoa::position_server server(
      loops, [&known](const vsoa::position_query& query, vsoa::position_server::answer answer) {
        const auto found = known.find(query.name);
        if (found == known.end()) return answer({});
        answer(vsoa::position_entry{query.name, found->second, false});
      });
  std::cout << "listening on " << server.listen(address).to_string() << std::endl;
  server.start();
  loops.start();
  end.wait();
}

bool add(services& known, std::string_view text) {
  const auto equals = text.find('=');
  if (equals == text.npos) return false;
  const auto address = vsoa::socket_address::parse(text.substr(equals + 1));
  if (!address) return false;
  known.emplace(text.substr(0, equals), *address);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  const auto address =
      argc > 1 ? vsoa::socket_address::parse(argv[1]) : std::optional<vsoa::socket_address>();
  services known;
  bool good = address.has_value();
  for (int i = 2; i < argc; ++i)
    good = add(known, argv[i]) && good;
  if (!good) {
    std::cerr << "usage: example_position ADDRESS:PORT NAME=ADDRESS:PORT ...\n";
    return 2;
  }
  try {
    run(*address, known);
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
