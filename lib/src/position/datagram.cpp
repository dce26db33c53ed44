#include "position/datagram.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>

namespace vsoa::position {

net::unique_fd connect_datagram_socket(const socket_address& peer) noexcept {
  const int family = peer.ip.v6 ? AF_INET6 : AF_INET;
  net::unique_fd fd(::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const auto raw = net::to_raw(peer);
  if (!fd || ::connect(fd.get(), raw.get(), raw.length) != 0) return {};
  return fd;
}

std::optional<received_datagram> receive_datagram(int fd, std::span<char> buffer) noexcept {
  net::raw_address peer;
  net::packet_info info;
  iovec part{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_name = peer.get();
  header.msg_namelen = peer.length;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  info.prepare_receive(header);
  ssize_t size = 0;
  do {
    size = ::recvmsg(fd, &header, 0);
  } while (size < 0 && errno == EINTR);
  const auto local = size < 0 ? std::nullopt : net::packet_info::received(header);
  if (!local) return {};
  const bool truncated = (header.msg_flags & MSG_TRUNC) != 0;
  return received_datagram{
      {buffer.data(), static_cast<std::size_t>(size)}, truncated, {net::from_raw(peer), *local}};
}

bool send_datagram(int fd, const datagram_route& route, std::string_view bytes) noexcept {
  auto peer = net::to_raw(route.peer);
  net::packet_info info;
  iovec part{const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg only reads
  msghdr header{};
  header.msg_name = peer.get();
  header.msg_namelen = peer.length;
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  info.prepare_send(header, route.local);
  return ::sendmsg(fd, &header, MSG_NOSIGNAL) >= 0;
}

}  // namespace vsoa::position
