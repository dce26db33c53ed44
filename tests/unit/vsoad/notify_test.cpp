#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <ostream>
#include <string>

#include "vsoad/notify.hpp"

namespace {

/// Plays systemd, on a socket in the abstract name space.
class notify_socket {
 public:
  notify_socket() : descriptor_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    // Bound without a name, the kernel finds one.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socklen_t length = sizeof(sa_family_t);
    REQUIRE(::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), length) == 0);
    length = sizeof address;
    REQUIRE(::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&address), &length) == 0);
    const std::size_t bytes = length - offsetof(sockaddr_un, sun_path) - 1;
    ::setenv("NOTIFY_SOCKET", ("@" + std::string(address.sun_path + 1, bytes)).c_str(), 1);
  }
  ~notify_socket() {
    ::unsetenv("NOTIFY_SOCKET");
    ::close(descriptor_);
  }
  std::string next() {
    char buffer[1024];
    const ssize_t count = ::recv(descriptor_, buffer, sizeof buffer, MSG_DONTWAIT);
    return {buffer, count < 0 ? 0 : static_cast<std::size_t>(count)};
  }

 private:
  int descriptor_;
};

}  // namespace

TEST_CASE("systemd is told") {
  notify_socket systemd;
  vsoad::notify::ready("2 services");
  CHECK(systemd.next() == "READY=1\nSTATUS=2 services");
  vsoad::notify::ready("");
  CHECK(systemd.next() == "READY=1");
  vsoad::notify::status("3 clients\nREADY=1");
  CHECK(systemd.next() == "STATUS=3 clients READY=1");
  vsoad::notify::stopping();
  CHECK(systemd.next() == "STOPPING=1\nSTATUS=stopping");
}

TEST_CASE("without systemd nothing happens") {
  ::unsetenv("NOTIFY_SOCKET");
  vsoad::notify::ready("x");
  vsoad::notify::stopping();
}
