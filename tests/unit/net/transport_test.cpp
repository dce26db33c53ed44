// The bytes of one socket under TLS, at the moments that readiness alone does not bring about.
#include "net/transport.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <array>
#include <string>

#include "certificates.hpp"
#include "net/tls_context.hpp"

namespace transport_test {

using namespace vsoa_test;
using vsoa::net::transport;

/// Two ends of one connection, their handshake done. What is not TLS may be put on the wire, too.
struct secured_pair {
  certificate_authority ca;
  std::array<int, 2> sockets = make_sockets();
  transport server;
  transport client;

  secured_pair()
      : server(over(0, vsoa::tls_role::server)), client(over(1, vsoa::tls_role::client)) {
    for (int i = 0; i < 100 && !(server.is_secured() && client.is_secured()); ++i) {
      (void)client.handshake();
      (void)server.handshake();
    }
    REQUIRE(server.is_secured());
    REQUIRE(client.is_secured());
  }

  static std::array<int, 2> make_sockets() {
    std::array<int, 2> made{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, made.data()) == 0);
    return made;
  }
  transport over(std::size_t which, vsoa::tls_role role) {
    vsoa::tls_options options;
    if (role == vsoa::tls_role::server) {
      const auto shown = ca.issue();
      options.identity.cert = shown.cert;
      options.identity.key = shown.key;
    } else {
      options.verify = vsoa::tls_verify::none;
    }
    return transport(vsoa::net::unique_fd(sockets[which]),
                     vsoa::net::tls_context::load(options, role), "localhost");
  }
  /// Until the server's socket takes nothing any more.
  void fill() const {
    const std::string bytes(4096, 'x');
    while (::send(server.handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {
    }
    while (::send(server.handle(), bytes.data(), 1, MSG_NOSIGNAL) > 0) {
    }
  }
  /// Reads all that is on the wire. True: and its end.
  bool drain() const {
    std::array<char, 4096> buffer{};
    ssize_t count = 0;
    while ((count = ::recv(client.handle(), buffer.data(), buffer.size(), 0)) > 0) {
    }
    return count == 0;
  }
};

TEST_CASE("the end of the bytes follows the goodbye that the socket did not take at once") {
  secured_pair p;
  p.fill();
  p.server.shutdown_write();
  CHECK(p.server.wants_write());
  CHECK_FALSE(p.drain());
  CHECK(p.server.write({}).what == transport::outcome::done);
  CHECK_FALSE(p.server.wants_write());
  CHECK(p.drain());
}

TEST_CASE("a broken connection has nothing to say any more") {
  secured_pair p;
  p.fill();
  p.server.shutdown_write();
  p.client.close();
  CHECK(p.server.write({}).what == transport::outcome::failed);
  CHECK_FALSE(p.server.wants_write());
}

}  // namespace transport_test
