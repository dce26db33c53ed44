#include "peer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace vsoa_test {

namespace {

struct native_address {
  sockaddr_storage storage{};
  socklen_t size = sizeof(sockaddr_storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

native_address to_native(const endpoint& from) {
  native_address out;
  if (from.ip.find(':') == std::string::npos) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&out.storage);
    v4->sin_family = AF_INET;
    v4->sin_port = htons(from.port);
    if (::inet_pton(AF_INET, from.ip.c_str(), &v4->sin_addr) != 1) fail("address " + from.ip);
    out.size = sizeof *v4;
  } else {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&out.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(from.port);
    if (::inet_pton(AF_INET6, from.ip.c_str(), &v6->sin6_addr) != 1) fail("address " + from.ip);
    out.size = sizeof *v6;
  }
  return out;
}

endpoint from_native(native_address& from) {
  char text[INET6_ADDRSTRLEN] = {};
  if (from.storage.ss_family == AF_INET) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&from.storage);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    return {text, ntohs(v4->sin_port)};
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&from.storage);
  ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
  return {text, ntohs(v6->sin6_port)};
}

endpoint local_of(int fd) {
  native_address bound;
  if (::getsockname(fd, bound.get(), &bound.size) != 0) fail("getsockname");
  return from_native(bound);
}

bool ready(int fd, short events, const deadline& until) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  for (;;) {
    const int count = ::poll(&entry, 1, until.left());
    if (count > 0) return true;
    if (count == 0) return false;
    if (errno != EINTR) fail("poll");
  }
}

unique_fd open_socket(native_address& family_of, int type) {
  unique_fd fd{::socket(family_of.storage.ss_family, type | SOCK_CLOEXEC, 0)};
  if (!fd) fail("socket");
  return fd;
}

void bind_to(int fd, const endpoint& where) {
  native_address native = to_native(where);
  if (::bind(fd, native.get(), native.size) != 0) fail("bind " + where.ip);
}

}  // namespace

void unique_fd::reset(int fd) noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

tcp_peer::tcp_peer(const endpoint& server, const tcp_options& options) {
  native_address to = to_native(server);
  fd_ = open_socket(to, SOCK_STREAM | SOCK_NONBLOCK);
  if (options.receive_buffer > 0)
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &options.receive_buffer,
                 sizeof options.receive_buffer);
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!options.local_ip.empty()) bind_to(fd_.get(), {options.local_ip, 0});
  if (::connect(fd_.get(), to.get(), to.size) == 0) return;
  if (errno != EINPROGRESS) fail("connect " + server.ip);
  if (!ready(fd_.get(), POLLOUT, deadline{patience})) throw std::runtime_error("connect: timeout");
  socklen_t size = sizeof errno;
  int error = 0;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  errno = error;
  // Accepted and refused at once: the connection was there, and has ended.
  if (error == ECONNRESET)
    ending_ = ending::reset;
  else if (error != 0)
    fail("connect " + server.ip + ":" + std::to_string(server.port));
}

void tcp_peer::send(std::string_view bytes) {
  const deadline until{patience};
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      fail("send");
    } else if (!ready(fd_.get(), POLLOUT, until)) {
      throw std::runtime_error("send: the server takes no more");
    }
  }
}

std::size_t tcp_peer::send_some(std::string_view bytes) {
  const ssize_t sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

bool tcp_peer::fill(const deadline& until) {
  if (ending_ != ending::none) return false;
  char bytes[65536];
  for (;;) {
    const ssize_t got = ::recv(fd_.get(), bytes, sizeof bytes, 0);
    if (got > 0) {
      buffer_.append(bytes, static_cast<std::size_t>(got));
      return true;
    }
    if (got == 0 || errno == ECONNRESET || errno == EPIPE) {
      ending_ = got == 0 ? ending::closed : ending::reset;
      return false;
    }
    if (errno != EAGAIN && errno != EINTR) fail("recv");
    if (!ready(fd_.get(), POLLIN, until)) return false;
  }
}

std::optional<packet> tcp_peer::buffered() {
  std::size_t used = 0;
  auto found = parse_packet(buffer_, used);
  if (found) buffer_.erase(0, used);
  return found;
}

std::optional<packet> tcp_peer::try_read(milliseconds bound) {
  const deadline until{bound};
  for (;;) {
    if (auto found = buffered()) return found;
    if (!fill(until)) return {};
  }
}

packet tcp_peer::read(milliseconds bound) {
  auto found = try_read(bound);
  if (found) return std::move(*found);
  if (ending_ == ending::closed) throw std::runtime_error("read: closed by the server");
  if (ending_ == ending::reset) throw std::runtime_error("read: reset by the server");
  throw std::runtime_error("read: no packet in time");
}

packet tcp_peer::ask(const packet& request, milliseconds bound) {
  send(request);
  return read(bound);
}

packet tcp_peer::ask_for_reply(const packet& request, milliseconds bound) {
  send(request);
  const deadline until{bound};
  for (;;) {
    packet got = read(milliseconds{until.left()});
    if (got.type == request.type && got.seqno == request.seqno && got.flags & flag_reply)
      return got;
  }
}

ending tcp_peer::wait_end(milliseconds bound) {
  const deadline until{bound};
  while (fill(until))
    buffer_.clear();
  return ending_;
}

bool tcp_peer::silent(milliseconds bound) {
  return buffer_.empty() && !fill(deadline{bound}) && ending_ == ending::none;
}

packet tcp_peer::handshake(const std::string& password, std::uint16_t quick_port) {
  const std::string param = password.empty() ? "{}" : R"({"passwd":")" + password + R"("})";
  packet reply = ask(servinfo(0, param, quick_port));
  if (reply.type != type_servinfo || !(reply.flags & flag_reply) || reply.status != 0)
    throw std::runtime_error("handshake: refused with status " + std::to_string(reply.status));
  if (reply.data.size() < 4) throw std::runtime_error("handshake: no client id in the reply");
  client_id_ = 0;
  for (const char c : reply.data.substr(0, 4))
    client_id_ = client_id_ << 8 | static_cast<unsigned char>(c);
  return reply;
}

void tcp_peer::shutdown_write() {
  if (::shutdown(fd_.get(), SHUT_WR) != 0) fail("shutdown");
}

void tcp_peer::reset_connection() {
  const linger abort{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
  fd_.reset();
}

endpoint tcp_peer::local() const {
  return local_of(fd_.get());
}

udp_peer::udp_peer(const std::string& local_ip) {
  native_address native = to_native({local_ip, 0});
  fd_ = open_socket(native, SOCK_DGRAM | SOCK_NONBLOCK);
  bind_to(fd_.get(), {local_ip, 0});
}

void udp_peer::send_to(const endpoint& to, std::string_view bytes) {
  native_address native = to_native(to);
  const ssize_t sent =
      ::sendto(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL, native.get(), native.size);
  // A port-unreachable of an earlier datagram may be reported here; this one is then not sent.
  if (sent < 0 && errno != ECONNREFUSED) fail("sendto");
}

std::optional<std::string> udp_peer::receive(milliseconds bound, endpoint* from) {
  const deadline until{bound};
  std::string bytes(65536, '\0');
  while (ready(fd_.get(), POLLIN, until)) {
    native_address source;
    const ssize_t got =
        ::recvfrom(fd_.get(), bytes.data(), bytes.size(), 0, source.get(), &source.size);
    if (got < 0) continue;
    if (from != nullptr) *from = from_native(source);
    bytes.resize(static_cast<std::size_t>(got));
    return bytes;
  }
  return {};
}

std::optional<packet> udp_peer::receive_packet(milliseconds bound, endpoint* from) {
  const auto bytes = receive(bound, from);
  if (!bytes) return {};
  std::size_t used = 0;
  auto found = parse_packet(*bytes, used);
  if (!found || used != bytes->size()) throw std::runtime_error("datagram: not exactly one packet");
  return found;
}

std::uint16_t udp_peer::port() const {
  return local_of(fd_.get()).port;
}

}  // namespace vsoa_test
