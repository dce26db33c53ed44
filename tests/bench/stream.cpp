// One stream at full speed: to the server, from it, and both. The server's stream against a raw
// connection whose server does nothing but read or write.
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <vector>

#include "packet.hpp"
#include "scenario.hpp"
#include "session.hpp"
#include "sockets.hpp"

namespace bench {
namespace {

constexpr std::size_t piece_bytes = std::size_t{256} << 10U;

struct direction {
  const char* name;
  bool sends, receives;
};

/// The stream's connection. The session before it may go: a stream outlives it.
unique_fd open_stream(const server& to, const direction& way) {
  if (to.speaks == protocol::raw) {
    unique_fd fd = connect_tcp(to.at);
    write_all(fd.get(), std::string(1, way.name[0]));
    return fd;
  }
  const session by = open_session(to.at);
  const std::string param = std::string(R"({"dir":")") + way.name + "\"}";
  packet_fields fields;
  fields.seqno = 1;
  fields.url = stream_url;
  fields.param = param;
  write_all(by.tcp.get(), build_packet(fields));
  const std::string answer = read_packet(by.tcp.get());
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(answer.data());
  const packet_header header = parse_header(bytes);
  if (header.status != 0 || (header.flags & flag_tunnel) == 0)
    throw std::runtime_error("no stream is offered");
  return connect_tcp({to.at.host, load_u16(bytes + 8)});
}

class stream_load {
 public:
  stream_load(const server& under_test, const budget& limits, const direction& way)
      : way_(way),
        checks_(limits.smoke),
        fd_(open_stream(under_test, way)),
        out_(piece_bytes),
        in_(piece_bytes),
        watch_(limits, under_test.pid) {
    // A period that is prime to all sizes of pieces shows bytes that are out of place.
    if (way_.sends) {
      for (std::size_t i = 0; i < out_.size(); ++i)
        out_[i] = pattern_at(i % 251);
    }
    set_nonblocking(fd_.get());
    poller_.add(fd_.get(), (way_.receives ? EPOLLIN : 0U) | (way_.sends ? EPOLLOUT : 0U), 0);
  }

  sample run() {
    while (watch_.running(now_ns(), (way_.receives ? received_ : sent_) / piece_bytes)) {
      for (const epoll_event& event : poller_.wait(1000)) {
        if ((event.events & (EPOLLHUP | EPOLLERR)) != 0)
          throw std::runtime_error("the server has closed the stream");
        if ((event.events & EPOLLIN) != 0) receive();
        if ((event.events & EPOLLOUT) != 0) send();
      }
    }
    sample result;
    watch_.report(result, "pieces of 256 KiB");
    return result;
  }

 private:
  // From where the pattern stands, to the end of its last whole period.
  void send() {
    constexpr std::size_t whole = piece_bytes / 251 * 251;
    const std::size_t begin = sent_ % whole;
    const ssize_t count = ::send(fd_.get(), out_.data() + begin, whole - begin, MSG_NOSIGNAL);
    if (count > 0) sent_ += static_cast<std::uint64_t>(count);
    if (count < 0 && errno != EAGAIN && errno != EINTR) fail_errno("send");
  }

  void receive() {
    const std::size_t count = read_some(fd_.get(), in_.data(), in_.size());
    if (checks_) check(count);
    received_ += count;
  }

  void check(std::size_t count) const {
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t expected =
          way_.sends ? pattern_at((received_ + i) % 251) : std::uint8_t{0};
      if (in_[i] != expected) throw std::runtime_error("a byte that was not sent");
    }
  }

  const direction way_;
  const bool checks_;
  unique_fd fd_;
  std::vector<std::uint8_t> out_, in_;
  poller poller_;
  stopwatch watch_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace

void add_stream(std::vector<scenario>& to) {
  const direction ways[] = {{"up", true, false}, {"down", false, true}, {"echo", true, true}};
  for (const direction& way : ways) {
    to.push_back({std::string("stream ") + way.name, workload::stream,
                  [way](const server& under_test, const budget& limits) {
                    return stream_load(under_test, limits, way).run();
                  }});
  }
}

}  // namespace bench
