// The other side of a position server or of a lookup, with plain sockets.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "net/socket.hpp"
#include "vsoa/address.hpp"

namespace vsoa::test {

// For what must happen: long enough for a busy machine under a sanitizer.
inline constexpr std::chrono::seconds patience{60};

inline socket_address at(std::string_view text) {
  const auto address = socket_address::parse(text, 0);
  REQUIRE(address);
  return *address;
}

/// Waits until the condition holds, and says whether it did.
template <class Condition>
bool eventually(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

class udp_peer {
 public:
  struct message {
    std::string text;
    socket_address from;
  };

  explicit udp_peer(std::string_view address = "127.0.0.1")
      : fd_(net::bind_socket(at(address), SOCK_DGRAM)) {}

  socket_address address() const { return net::local_address(fd_.get()); }

  void send(const socket_address& to, std::string_view text) {
    const auto raw = net::to_raw(to);
    REQUIRE(::sendto(fd_.get(), text.data(), text.size(), 0, raw.get(), raw.length) >= 0);
  }

  message receive() {
    pollfd waiting{fd_.get(), POLLIN, 0};
    REQUIRE(::poll(&waiting, 1, static_cast<int>(std::chrono::milliseconds(patience).count())) ==
            1);
    auto received = try_receive();
    REQUIRE(received);
    return *received;
  }

  /// What has arrived already.
  std::optional<message> try_receive() {
    std::array<char, 65536> buffer{};
    net::raw_address from;
    const auto size =
        ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0, from.get(), &from.length);
    if (size < 0) return {};
    return message{{buffer.data(), static_cast<std::size_t>(size)}, net::from_raw(from)};
  }

  std::string ask(const socket_address& server, std::string_view text) {
    send(server, text);
    const auto answer = receive();
    CHECK(answer.from == server);
    return answer.text;
  }

 private:
  net::unique_fd fd_;
};

}  // namespace vsoa::test
