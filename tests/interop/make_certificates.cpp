// Makes a CA, a certificate for a server on loopback and one for a client, and another CA with a
// client's; prints where their files are, and removes them when its standard input ends.
#include <iostream>
#include <string>

#include "certificates.hpp"

int main() {
  vsoa_test::certificate_authority ca;
  const auto server = ca.issue();
  vsoa_test::certificate_wishes wishes;
  wishes.name = "gateway-1";
  const auto client = ca.issue(wishes);
  vsoa_test::certificate_authority other("Other CA");
  const auto stranger = other.issue(wishes);
  std::cout << "ca=" << ca.cert() << "\ncert=" << server.cert << "\nkey=" << server.key
            << "\nclient_cert=" << client.cert << "\nclient_key=" << client.key
            << "\nother_ca=" << other.cert() << "\nstranger_cert=" << stranger.cert
            << "\nstranger_key=" << stranger.key << "\ndone" << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
  }
}
