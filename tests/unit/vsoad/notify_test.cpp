#include "vsoad/notify.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ostream>
#include <string>

#include "notify_socket.hpp"

namespace notify_test {

TEST_CASE("systemd is told") {
  vsoad_test::notify_socket systemd;
  vsoad::notify::ready("2 services");
  CHECK(systemd.next() == "READY=1\nSTATUS=2 services");
  vsoad::notify::ready("");
  CHECK(systemd.next() == "READY=1");
  vsoad::notify::status("3 clients\nREADY=1");
  CHECK(systemd.next() == "STATUS=3 clients READY=1");
  vsoad::notify::stopping();
  CHECK(systemd.next() == "STOPPING=1\nSTATUS=stopping");
  vsoad::notify::alive();
  CHECK(systemd.next() == "WATCHDOG=1");
}

TEST_CASE("without systemd nothing happens") {
  ::unsetenv("NOTIFY_SOCKET");
  vsoad::notify::ready("x");
  vsoad::notify::stopping();
}

}  // namespace notify_test
