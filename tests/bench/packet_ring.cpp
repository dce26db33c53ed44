#include "packet_ring.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <stdexcept>

namespace bench {
namespace {

constexpr std::size_t ring_target_bytes = 1 << 20;
constexpr std::size_t min_ring_packets = 16;
constexpr std::size_t max_ring_packets = 8192;

}  // namespace

packet_ring::packet_ring(std::uint32_t count,
                         const std::function<std::string(std::uint32_t)>& build)
    : count_(count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string packet = build(i);
    if (i == 0) packet_bytes_ = packet.size();
    if (packet.size() != packet_bytes_) throw std::logic_error("packets of different sizes");
    bytes_ += packet;
  }
}

std::size_t packet_ring::gather(std::uint64_t from, std::uint64_t to,
                                std::array<iovec, 2>& pieces) const {
  const std::size_t wanted = std::min<std::uint64_t>(to - from, bytes_.size());
  if (wanted == 0) return 0;
  const std::size_t start = from % bytes_.size();
  const std::size_t first = std::min(wanted, bytes_.size() - start);
  // sendmsg() takes iovec with a pointer to non-const, and never writes through it.
  auto* base = const_cast<char*>(bytes_.data());
  pieces[0] = {base + start, first};
  if (first == wanted) return 1;
  pieces[1] = {base, wanted - first};
  return 2;
}

std::uint32_t ring_size_for(std::size_t packet_bytes) {
  const std::size_t fitting = std::bit_floor(ring_target_bytes / packet_bytes);
  return static_cast<std::uint32_t>(std::clamp(fitting, min_ring_packets, max_ring_packets));
}

bool send_from_ring(int fd, const packet_ring& ring, std::uint64_t& sent, std::uint64_t allowed) {
  while (sent < allowed) {
    std::array<iovec, 2> pieces{};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = ring.gather(sent, allowed, pieces);
    const std::size_t wanted = pieces[0].iov_len + pieces[1].iov_len;
    const ssize_t taken = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
    if (taken < 0) fail_errno("send");
    sent += static_cast<std::uint64_t>(taken);
    if (static_cast<std::size_t>(taken) < wanted) return false;
  }
  return true;
}

bool send_from_ring(const line& to, const packet_ring& ring, std::uint64_t& sent,
                    std::uint64_t allowed) {
  if (!to.tls) return send_from_ring(to.tcp.get(), ring, sent, allowed);
  while (sent < allowed) {
    std::array<iovec, 2> pieces{};
    ring.gather(sent, allowed, pieces);
    const auto taken =
        send_some(to, {static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len});
    if (!taken) throw std::runtime_error("the server closed the connection");
    sent += *taken;
    if (*taken < pieces[0].iov_len) return false;
  }
  return true;
}

}  // namespace bench
