#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <vector>

#include "packet.hpp"
#include "raw_peers.hpp"
#include "sockets.hpp"

namespace bench {

void run_raw_udp(int socket) {
  constexpr std::size_t max_datagram_bytes = 65536;
  std::vector<char> buffer(max_datagram_bytes);
  sockaddr_in subscriber{};
  for (;;) {
    sockaddr_in from{};
    socklen_t length = sizeof from;
    auto* address = reinterpret_cast<sockaddr*>(&from);
    const ssize_t got = ::recvfrom(socket, buffer.data(), buffer.size(), 0, address, &length);
    if (got < 0 && errno != EINTR && errno != ECONNREFUSED) fail_errno("recvfrom");
    if (got < static_cast<ssize_t>(header_bytes)) continue;
    const auto bytes = static_cast<std::size_t>(got);
    if (buffer[1] == static_cast<char>(packet_type::subscribe)) {
      subscriber = from;
    } else if (subscriber.sin_port == 0) {
      continue;
    }
    ::sendto(socket, buffer.data(), bytes, 0, reinterpret_cast<const sockaddr*>(&subscriber),
             sizeof subscriber);
  }
}

}  // namespace bench
