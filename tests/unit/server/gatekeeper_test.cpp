#include "server/gatekeeper.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace gatekeeper_test {

using vsoa::client_id;
using vsoa::gatekeeper;
using vsoa::ip_address;
using vsoa::server_limits;

ip_address ip(const std::string& text) {
  return ip_address::parse(text).value();
}

server_limits limits(std::size_t clients, std::size_t per_address, std::size_t handshakes) {
  server_limits l;
  l.clients = clients;
  l.clients_per_address = per_address;
  l.handshakes = handshakes;
  return l;
}

void check_admitted(const gatekeeper::verdict& v) {
  CHECK(v.admitted);
  CHECK_FALSE(v.id_taken);
  CHECK_FALSE(v.displaced);
}

void check_displaces(const gatekeeper::verdict& v, client_id id) {
  CHECK(v.admitted);
  REQUIRE(v.displaced);
  CHECK(*v.displaced == id);
}

void check_refused(const gatekeeper::verdict& v) {
  CHECK_FALSE(v.admitted);
  CHECK_FALSE(v.id_taken);
  CHECK_FALSE(v.displaced);
}

TEST_CASE("an id in use is not given twice, and comes free again") {
  gatekeeper gate(limits(10, 10, 10));
  check_admitted(gate.admit(1, ip("10.0.0.1")));
  CHECK(gate.admit(1, ip("10.0.0.2")).id_taken);
  CHECK_FALSE(gate.admit(1, ip("10.0.0.2")).admitted);
  gate.passed(1);
  CHECK(gate.admit(1, ip("10.0.0.2")).id_taken);
  gate.gone(1);
  check_admitted(gate.admit(1, ip("10.0.0.2")));
}

TEST_CASE("a taken id displaces nobody, even when full") {
  gatekeeper gate(limits(2, 10, 10));
  check_admitted(gate.admit(1, ip("10.0.0.1")));
  check_admitted(gate.admit(2, ip("10.0.0.1")));
  const auto verdict = gate.admit(2, ip("10.0.0.1"));
  CHECK(verdict.id_taken);
  CHECK_FALSE(verdict.displaced);
}

TEST_CASE("a full server: the oldest in its handshake gives way, without one the new is refused") {
  gatekeeper gate(limits(3, 10, 10));
  for (client_id id = 1; id <= 3; ++id)
    check_admitted(gate.admit(id, ip("10.0.0.1")));
  gate.passed(1);
  check_displaces(gate.admit(4, ip("10.0.0.2")), 2);
  check_displaces(gate.admit(5, ip("10.0.0.2")), 3);
  gate.passed(4);
  gate.passed(5);
  check_refused(gate.admit(6, ip("10.0.0.3")));
  gate.gone(1);
  check_admitted(gate.admit(6, ip("10.0.0.3")));
}

TEST_CASE("handshakes are limited apart from clients") {
  gatekeeper gate(limits(100, 100, 2));
  check_admitted(gate.admit(1, ip("10.0.0.1")));
  gate.passed(1);
  check_admitted(gate.admit(2, ip("10.0.0.1")));
  check_admitted(gate.admit(3, ip("10.0.0.2")));
  check_displaces(gate.admit(4, ip("10.0.0.3")), 2);
  gate.passed(3);
  check_admitted(gate.admit(5, ip("10.0.0.3")));
  check_displaces(gate.admit(6, ip("10.0.0.3")), 4);
}

TEST_CASE("a full address makes room among its own only") {
  gatekeeper gate(limits(100, 2, 100));
  check_admitted(gate.admit(1, ip("10.0.0.1")));
  check_admitted(gate.admit(2, ip("10.0.0.2")));
  check_admitted(gate.admit(3, ip("10.0.0.2")));
  check_displaces(gate.admit(4, ip("10.0.0.2")), 2);
  gate.passed(3);
  gate.passed(4);
  check_refused(gate.admit(5, ip("10.0.0.2")));
  check_admitted(gate.admit(5, ip("10.0.0.1")));
  gate.gone(3);
  check_admitted(gate.admit(6, ip("10.0.0.2")));
}

TEST_CASE("an address that is full does not displace others when the server is full too") {
  gatekeeper gate(limits(3, 2, 100));
  check_admitted(gate.admit(1, ip("10.0.0.1")));
  check_admitted(gate.admit(2, ip("10.0.0.2")));
  check_admitted(gate.admit(3, ip("10.0.0.2")));
  gate.passed(2);
  gate.passed(3);
  check_refused(gate.admit(4, ip("10.0.0.2")));
  check_displaces(gate.admit(4, ip("10.0.0.3")), 1);
}

TEST_CASE("addresses of IPv4 and IPv6 with the same leading bytes are two") {
  gatekeeper gate(limits(100, 1, 100));
  check_admitted(gate.admit(1, ip("0.0.0.0")));
  check_admitted(gate.admit(2, ip("::")));
  check_displaces(gate.admit(3, ip("::")), 2);
}

TEST_CASE("the addresses of one IPv6 /64 count as one") {
  gatekeeper gate(limits(100, 2, 100));
  check_admitted(gate.admit(1, ip("2001:db8::1")));
  check_admitted(gate.admit(2, ip("2001:db8::ffff:2")));
  check_displaces(gate.admit(3, ip("2001:db8::3")), 1);
  check_admitted(gate.admit(4, ip("2001:db8:0:1::1")));
  CHECK(gate.is_member(2));
  CHECK_FALSE(gate.is_member(1));
  gate.gone(2);
  CHECK_FALSE(gate.is_member(2));
  check_admitted(gate.admit(5, ip("2001:db8::5")));
}

TEST_CASE("what is said twice or of strangers counts once") {
  gatekeeper gate(limits(2, 2, 2));
  gate.passed(7);
  gate.gone(7);
  check_admitted(gate.admit(1, ip("10.0.0.1")));
  check_admitted(gate.admit(2, ip("10.0.0.1")));
  check_displaces(gate.admit(3, ip("10.0.0.1")), 1);
  gate.passed(1);  // too late
  gate.gone(1);
  gate.gone(1);
  gate.passed(2);
  gate.passed(2);
  gate.passed(3);
  check_refused(gate.admit(4, ip("10.0.0.1")));
  gate.gone(2);
  gate.gone(2);
  check_admitted(gate.admit(4, ip("10.0.0.1")));
  gate.passed(4);
  check_refused(gate.admit(5, ip("10.0.0.1")));
}

}  // namespace gatekeeper_test
