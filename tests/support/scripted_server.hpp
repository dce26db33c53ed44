// A server that sends exactly the bytes that it is told to, and reads with a deadline. Its packets
// are built by wire.hpp, not by libvsoa.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "peer.hpp"
#include "wait.hpp"
#include "wire.hpp"

namespace vsoa_test {

/// One connection of the client's.
class scripted_session {
 public:
  explicit scripted_session(unique_fd fd) : fd_(std::move(fd)) {
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }

  /// The client's next packet; throws when none comes in time.
  packet read() {
    const deadline until(patience);
    for (;;) {
      std::size_t used = 0;
      if (auto p = parse_packet(buffer_, used)) {
        buffer_.erase(0, used);
        return *p;
      }
      if (!fill(until)) throw std::runtime_error("no packet of the client in time");
    }
  }
  /// The same of one type; skips others.
  packet read(std::uint8_t type) {
    for (;;) {
      const packet p = read();
      if (p.type == type) return p;
    }
  }
  /// Whether bytes of the client's come in time.
  bool fills() { return fill(deadline(patience)); }
  /// Whether the client closes in time.
  bool ends() {
    const deadline until(patience);
    while (fill(until))
      buffer_.clear();
    return ended_;
  }
  void send(std::string_view bytes) {
    if (::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("could not send");
    }
  }
  void send(const packet& p) { send(p.bytes()); }
  void close() { fd_.reset(); }

  /// Takes the handshake and answers it.
  packet shake_hands(std::uint32_t id = 7, const std::string& info = "\"\"");

 private:
  bool fill(const deadline& until) {
    pollfd p{fd_.get(), POLLIN, 0};
    if (::poll(&p, 1, until.left()) <= 0) return false;
    char bytes[65536];
    const ssize_t count = ::recv(fd_.get(), bytes, sizeof bytes, 0);
    if (count <= 0) {
      ended_ = true;
      return false;
    }
    buffer_.append(bytes, static_cast<std::size_t>(count));
    return true;
  }

  unique_fd fd_;
  std::string buffer_;
  bool ended_ = false;
};

inline packet reply_to(const packet& request, std::uint8_t status = 0, std::string param = {}) {
  packet p;
  p.type = request.type;
  p.flags = flag_reply;
  p.status = status;
  p.seqno = request.seqno;
  p.param = std::move(param);
  return p;
}

inline packet handshake_reply(const packet& request, std::uint32_t id, const std::string& info) {
  packet p = reply_to(request, 0, info);
  for (int shift = 24; shift >= 0; shift -= 8)
    p.data += static_cast<char>(id >> shift & 0xFF);
  return p;
}

inline packet published(std::string url, std::string param = {}) {
  packet p;
  p.type = type_publish;
  p.url = std::move(url);
  p.param = std::move(param);
  return p;
}

inline packet scripted_session::shake_hands(std::uint32_t id, const std::string& info) {
  const packet request = read(type_servinfo);
  send(handshake_reply(request, id, info));
  return request;
}

class scripted_server {
 public:
  scripted_server() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof in;
    if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&in), size) != 0 ||
        ::listen(fd_.get(), 16) != 0 ||
        ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&in), &size) != 0) {
      throw std::runtime_error("scripted server: no socket");
    }
    port_ = ntohs(in.sin_port);
  }
  std::string url() const { return "vsoa://127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const { return port_; }

  scripted_session accept() {
    pollfd p{fd_.get(), POLLIN, 0};
    if (::poll(&p, 1, static_cast<int>(patience.count())) <= 0) {
      throw std::runtime_error("nobody connects in time");
    }
    return scripted_session(unique_fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }

 private:
  unique_fd fd_;
  std::uint16_t port_ = 0;
};

}  // namespace vsoa_test
