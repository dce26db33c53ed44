// One stream at full speed: to the server, from it, and both; its own, relayed, or over TLS.
// Against a raw connection whose server does nothing but read or write, or a raw relay in front of
// one.
#include <stdexcept>
#include <utility>
#include <vector>

#include "line.hpp"
#include "packet.hpp"
#include "scenario.hpp"
#include "session.hpp"

namespace bench {
namespace {

constexpr std::size_t piece_bytes = std::size_t{256} << 10U;

struct direction {
  const char* name;
  bool sends, receives;
};

/// The stream's connection. The session before it may go: a stream outlives it.
line open_stream(const server& to, const direction& way) {
  line by = open_line(to.at, to.secure);
  if (to.speaks == protocol::raw) {
    write_all(by, std::string(1, way.name[0]));
    return by;
  }
  shake_hands(by);
  const std::string param = std::string(R"({"dir":")") + way.name + "\"}";
  packet_fields fields;
  fields.seqno = 1;
  fields.url = stream_url;
  fields.param = param;
  write_all(by, build_packet(fields));
  const std::string answer = read_packet(by);
  const packet_header header = expect(answer, packet_type::rpc);
  if ((header.flags & flag_tunnel) == 0) throw std::runtime_error("no stream is offered");
  const std::uint16_t tunid = load_u16(reinterpret_cast<const std::uint8_t*>(answer.data()) + 8);
  return open_line({to.at.host, tunid}, to.secure);
}

class stream_load {
 public:
  stream_load(const server& under_test, const budget& limits, const direction& way)
      : way_(way),
        checks_(limits.smoke),
        line_(open_stream(under_test, way)),
        out_(piece_bytes),
        in_(piece_bytes),
        watch_(limits, under_test.pid) {
    // A period that is prime to all sizes of pieces shows bytes that are out of place.
    if (way_.sends) {
      for (std::size_t i = 0; i < out_.size(); ++i)
        out_[i] = pattern_at(i % 251);
    }
    set_nonblocking(line_.tcp.get());
    poller_.add(line_.tcp.get(), (way_.receives ? EPOLLIN : 0U) | (way_.sends ? EPOLLOUT : 0U), 0);
  }

  sample run() {
    while (watch_.running(now_ns(), (way_.receives ? received_ : sent_) / piece_bytes)) {
      bool is_readable = may_have_more_;
      for (const epoll_event& event : poller_.wait(may_have_more_ ? 0 : 1000)) {
        if ((event.events & (EPOLLHUP | EPOLLERR)) != 0)
          throw std::runtime_error("the server has closed the stream");
        if ((event.events & EPOLLIN) != 0) is_readable = true;
        if ((event.events & EPOLLOUT) != 0) send();
      }
      if (is_readable) receive();
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
    const auto* from = reinterpret_cast<const char*>(out_.data());
    const auto count = send_some(line_, {from + begin, whole - begin});
    if (!count) throw std::runtime_error("the server has closed the stream");
    sent_ += *count;
  }

  void receive() {
    const std::size_t count = read_some(line_, in_.data(), in_.size());
    if (checks_) check(count);
    received_ += count;
    may_have_more_ = line_.tls && count == in_.size();
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
  line line_;
  std::vector<std::uint8_t> out_, in_;
  poller poller_;
  stopwatch watch_;
  bool may_have_more_ = false;  ///< inside OpenSSL, of which epoll does not know
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace

void add_stream(std::vector<scenario>& to) {
  const direction ways[] = {{"up", true, false}, {"down", false, true}, {"echo", true, true}};
  const std::pair<const char*, workload> kinds[] = {{"stream ", workload::stream},
                                                    {"relayed stream ", workload::relay},
                                                    {"tls stream ", workload::tls_stream}};
  for (const auto& [kind, work] : kinds) {
    for (const direction& way : ways) {
      to.push_back({std::string(kind) + way.name, work,
                    [way](const server& under_test, const budget& limits) {
                      return stream_load(under_test, limits, way).run();
                    }});
    }
  }
}

}  // namespace bench
