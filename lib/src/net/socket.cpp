#include "net/socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

namespace vsoa::net {
namespace {

template <class Value>
void set_option(int fd, int level, int name, const Value& value) noexcept {
  // A missing option costs comfort, never correctness.
  (void)::setsockopt(fd, level, name, &value, sizeof value);
}

[[noreturn]] void throw_errno(int error, const socket_address& address) {
  throw std::system_error(error, std::system_category(), address.to_string());
}

ip_address from_v6(const in6_addr& source, std::uint32_t scope) noexcept {
  ip_address ip;
  if (IN6_IS_ADDR_V4MAPPED(&source)) {
    std::memcpy(ip.bytes.data(), source.s6_addr + 12, 4);
    return ip;
  }
  ip.v6 = true;
  std::memcpy(ip.bytes.data(), source.s6_addr, 16);
  ip.scope_id = scope;
  return ip;
}

// Of the local address of each datagram.
void tell_local_address(int udp) noexcept {
  if (local_address(udp).ip.v6) {
    set_option(udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  } else {
    set_option(udp, IPPROTO_IP, IP_PKTINFO, 1);
  }
}

int option_of(int fd, int name) noexcept {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

}  // namespace

raw_address to_raw(const socket_address& address) noexcept {
  raw_address raw;
  if (address.ip.v6) {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port);
    in.sin6_scope_id = address.ip.scope_id;
    std::memcpy(in.sin6_addr.s6_addr, address.ip.bytes.data(), 16);
    std::memcpy(&raw.storage, &in, sizeof in);
    raw.length = sizeof in;
  } else {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    std::memcpy(&in.sin_addr, address.ip.bytes.data(), 4);
    std::memcpy(&raw.storage, &in, sizeof in);
    raw.length = sizeof in;
  }
  return raw;
}

socket_address from_raw(const raw_address& raw) noexcept {
  socket_address result;
  if (raw.storage.ss_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, &raw.storage, sizeof in);
    result.ip = from_v6(in.sin6_addr, in.sin6_scope_id);
    result.port = ntohs(in.sin6_port);
  } else if (raw.storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &raw.storage, sizeof in);
    std::memcpy(result.ip.bytes.data(), &in.sin_addr, 4);
    result.port = ntohs(in.sin_port);
  }
  return result;
}

socket_address local_address(int fd) noexcept {
  raw_address raw;
  if (::getsockname(fd, raw.get(), &raw.length) != 0) return {};
  return from_raw(raw);
}

socket_address peer_address(int fd) noexcept {
  raw_address raw;
  if (::getpeername(fd, raw.get(), &raw.length) != 0) return {};
  return from_raw(raw);
}

unique_fd& unique_fd::operator=(unique_fd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

unique_fd::~unique_fd() {
  if (fd_ >= 0) ::close(fd_);
}

int unique_fd::release() noexcept {
  return std::exchange(fd_, -1);
}

void prepare_bound(int fd, int kind) {
  const bool listens = kind == SOCK_STREAM;
  if (option_of(fd, SO_TYPE) != kind || option_of(fd, SO_ACCEPTCONN) != (listens ? 1 : 0)) {
    throw std::system_error(
        std::make_error_code(std::errc::invalid_argument),
        std::string("not a ") + (listens ? "listening TCP socket" : "UDP socket"));
  }
  if (!listens) tell_local_address(fd);
  (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
  (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
}

unique_fd bind_socket(const socket_address& address, int kind, int backlog_count) {
  const int family = address.ip.v6 ? AF_INET6 : AF_INET;
  unique_fd fd(::socket(family, kind | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) throw_errno(errno, address);
  if (address.ip.v6) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (kind == SOCK_STREAM) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  const raw_address raw = to_raw(address);
  if (::bind(fd.get(), raw.get(), raw.length) != 0) throw_errno(errno, address);
  if (kind == SOCK_DGRAM) tell_local_address(fd.get());
  if (kind == SOCK_STREAM && ::listen(fd.get(), backlog_count) != 0) throw_errno(errno, address);
  return fd;
}

unique_fd begin_connect(const socket_address& to, const std::optional<ip_address>& from) {
  unique_fd fd(
      ::socket(to.ip.v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) throw_errno(errno, to);
  if (from) {
    const raw_address raw = to_raw({*from, 0});
    if (::bind(fd.get(), raw.get(), raw.length) != 0) throw_errno(errno, {*from, 0});
  }
  const raw_address raw = to_raw(to);
  if (::connect(fd.get(), raw.get(), raw.length) != 0 && errno != EINPROGRESS && errno != EINTR) {
    throw_errno(errno, to);
  }
  return fd;
}

int pending_error(int fd) noexcept {
  int error = 0;
  socklen_t length = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
  return error;
}

void set_type_of_service(int fd, bool v6, std::uint8_t priority) noexcept {
  const int tos = priority == 0 ? 0 : (priority << 5) | 0x08;
  if (v6) {
    set_option(fd, IPPROTO_IPV6, IPV6_TCLASS, tos);
  } else {
    set_option(fd, IPPROTO_IP, IP_TOS, tos);
  }
}

void set_keepalive(int fd, std::chrono::seconds idle) noexcept {
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, idle.count() > 0 ? 1 : 0);
  if (idle.count() <= 0) return;
  const auto seconds = static_cast<int>(std::min<std::chrono::seconds::rep>(idle.count(), 32767));
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
}

bool is_unanswered(int fd, std::chrono::seconds idle) noexcept {
  tcp_info info{};
  socklen_t length = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return false;
  // Twice, as one may be on its way; the kernel asks ever more rarely who does not read.
  const bool has_tried = info.tcpi_retransmits >= 2 || info.tcpi_probes >= 2;
  // Between two looks it is found on average after three times `idle`.
  return has_tried && std::chrono::milliseconds(info.tcpi_last_ack_recv) / 5 * 2 >= idle;
}

void set_no_delay(int fd) noexcept {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void set_reset_on_close(int fd, bool reset) noexcept {
  set_option(fd, SOL_SOCKET, SO_LINGER, linger{reset ? 1 : 0, 0});
}

void packet_info::prepare_receive(msghdr& header) noexcept {
  header.msg_control = space;
  header.msg_controllen = sizeof space;
}

std::optional<ip_address> packet_info::received(const msghdr& header) noexcept {
  auto& h = const_cast<msghdr&>(header);  // CMSG_NXTHDR takes no const
  for (cmsghdr* c = CMSG_FIRSTHDR(&h); c != nullptr; c = CMSG_NXTHDR(&h, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      ip_address ip;
      // Not ipi_addr: of a broadcast, that is an address nobody can answer from.
      std::memcpy(ip.bytes.data(), &info.ipi_spec_dst, 4);
      return ip;
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      return from_v6(info.ipi6_addr,
                     IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr) ? info.ipi6_ifindex : 0);
    }
  }
  return {};
}

void packet_info::prepare_send(msghdr& header, const ip_address& from) noexcept {
  header.msg_control = space;
  header.msg_controllen = sizeof space;
  cmsghdr* c = CMSG_FIRSTHDR(&header);
  if (from.v6) {
    in6_pktinfo info{};
    std::memcpy(info.ipi6_addr.s6_addr, from.bytes.data(), 16);
    info.ipi6_ifindex = from.scope_id;
    c->cmsg_level = IPPROTO_IPV6;
    c->cmsg_type = IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(c), &info, sizeof info);
  } else {
    in_pktinfo info{};
    std::memcpy(&info.ipi_spec_dst, from.bytes.data(), 4);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(c), &info, sizeof info);
  }
  header.msg_controllen = CMSG_SPACE(from.v6 ? sizeof(in6_pktinfo) : sizeof(in_pktinfo));
}

}  // namespace vsoa::net
