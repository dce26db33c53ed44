// Plays systemd for the tests: receives what is said to $NOTIFY_SOCKET, and the descriptors that
// come with it.
#pragma once

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace vsoad_test {

/// A socket in the abstract name space.
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
    close_received();
  }
  notify_socket(const notify_socket&) = delete;
  notify_socket& operator=(const notify_socket&) = delete;

  /// The next message, or nothing if none comes within `bound_ms`. What came with the one before is
  /// closed.
  std::string next(int bound_ms = 0) {
    close_received();
    pollfd readable{descriptor_, POLLIN, 0};
    if (::poll(&readable, 1, bound_ms) != 1) return {};
    char text[1024];
    alignas(cmsghdr) char control[256];
    iovec piece{text, sizeof text};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    const ssize_t count = ::recvmsg(descriptor_, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (count < 0) return {};
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
      received_.resize((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
      std::memcpy(received_.data(), CMSG_DATA(c), received_.size() * sizeof(int));
    }
    return {text, static_cast<std::size_t>(count)};
  }

  /// Those that came with the last message.
  const std::vector<int>& received() const noexcept { return received_; }

 private:
  void close_received() {
    for (const int fd : received_)
      ::close(fd);
    received_.clear();
  }

  int descriptor_;
  std::vector<int> received_;
};

}  // namespace vsoad_test
