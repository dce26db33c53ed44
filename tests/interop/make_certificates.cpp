// Makes a CA, a certificate for a server on loopback and one for a client, prints where their files
// are, and removes them when its standard input ends.
#include <iostream>
#include <string>

#include "certificates.hpp"

int main() {
  vsoa_test::certificate_authority ca;
  const auto server = ca.issue();
  vsoa_test::certificate_wishes wishes;
  wishes.name = "gateway-1";
  const auto client = ca.issue(wishes);
  std::cout << "ca=" << ca.cert() << "\ncert=" << server.cert << "\nkey=" << server.key
            << "\nclient_cert=" << client.cert << "\nclient_key=" << client.key << "\ndone"
            << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
  }
}
