// The quick channel: datagrams from one client, relayed to one subscriber, both over UDP.
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <stdexcept>

#include "packet.hpp"
#include "scenario.hpp"
#include "session.hpp"

namespace bench {
namespace {

constexpr std::size_t batch = 32;
constexpr std::size_t max_datagram_bytes = 2048;
// Well under what a socket's default receive buffer holds, for datagrams of 1 KiB too.
constexpr std::uint64_t window = 64;
constexpr std::int64_t loss_after_ns = 50'000'000;
constexpr std::size_t remembered = 1 << 16;

struct quick_peer {
  session control;
  unique_fd udp;
};

quick_peer open_peer(const server& to, bool subscribes) {
  quick_peer peer;
  std::uint16_t port = 0;
  peer.udp = bind_udp(port);
  address quick = to.at;
  if (to.speaks != protocol::raw) {
    peer.control = open_session(to.at, port);
    quick.port = peer.control.quick_port;
    if (subscribes) subscribe(peer.control, publish_url);
  }
  connect_udp(peer.udp.get(), quick);
  if (to.speaks == protocol::raw && subscribes) {
    write_all(peer.udp.get(), build_packet({packet_type::subscribe, 0, 0, publish_url, {}, {}}));
    std::array<char, max_datagram_bytes> answer;
    if (::recv(peer.udp.get(), answer.data(), answer.size(), 0) <= 0) fail_errno("recv");
  }
  set_nonblocking(peer.udp.get());
  return peer;
}

/// Sends numbered datagrams and accounts for every one: received or lost.
class quick_load {
 public:
  quick_load(const server& under_test, const budget& limits, std::size_t payload_bytes)
      : subscriber_(open_peer(under_test, true)),
        publisher_(open_peer(under_test, false)),
        payload_bytes_(payload_bytes),
        watch_(limits, under_test.pid),
        due_ns_(remembered) {
    const std::string payload = build_payload(0, payload_bytes);
    const std::uint32_t id = publisher_.control.client_id;
    for (std::size_t i = 0; i < batch; ++i) {
      packets_[i] = build_packet({packet_type::datagram, id, 0, publish_url, {}, payload});
      received_into_[i].resize(max_datagram_bytes);
      out_pieces_[i] = {packets_[i].data(), packets_[i].size()};
      in_pieces_[i] = {received_into_[i].data(), received_into_[i].size()};
      out_[i].msg_hdr.msg_iov = &out_pieces_[i];
      in_[i].msg_hdr.msg_iov = &in_pieces_[i];
      out_[i].msg_hdr.msg_iovlen = in_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  /// As fast as a window of datagrams under way allows.
  sample run_windowed() {
    std::int64_t last_progress = now_ns();
    std::int64_t now = last_progress;
    while (watch_.running(now, received_)) {
      const std::uint64_t room = window - (sent_ - next_);
      if (room >= batch) send(batch, now);
      const bool progress = receive();
      now = now_ns();
      if (progress) last_progress = now;
      if (now - last_progress > loss_after_ns) {
        give_up_waiting();
        last_progress = now;
      }
    }
    return report("datagrams");
  }

  /// At a fixed rate, timed from when each was due.
  sample run_paced(std::int64_t period_ns) {
    std::int64_t now = now_ns();
    std::int64_t due = now + period_ns;
    while (watch_.running(now, received_)) {
      for (now = now_ns(); due <= now; due += period_ns)
        send(1, due);
      receive();
    }
    sample result = report("datagrams");
    report_latency(result, latencies_);
    return result;
  }

 private:
  void send(std::size_t count, std::int64_t due) {
    for (std::size_t i = 0; i < count; ++i) {
      char* data = packets_[i].data() + header_bytes + publish_url.size();
      store_u32(data, static_cast<std::uint32_t>(sent_ + i));
      due_ns_[(sent_ + i) % remembered] = due;
    }
    for (std::size_t done = 0; done < count;) {
      const int sent =
          ::sendmmsg(publisher_.udp.get(), &out_[done], static_cast<unsigned>(count - done), 0);
      if (sent < 0 && errno != EAGAIN && errno != EINTR) fail_errno("sendmmsg");
      if (sent > 0) done += static_cast<std::size_t>(sent);
    }
    sent_ += count;
  }

  // False when nothing had arrived.
  bool receive() {
    const int got = ::recvmmsg(subscriber_.udp.get(), in_.data(), batch, MSG_DONTWAIT, nullptr);
    if (got < 0 && errno != EAGAIN && errno != EINTR) fail_errno("recvmmsg");
    if (got <= 0) return false;
    const std::int64_t now = now_ns();
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i)
      take(i, now);
    return true;
  }

  void take(std::size_t slot, std::int64_t now) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(received_into_[slot].data());
    const packet_header header = parse_header(bytes);
    if (in_[slot].msg_len < header.total_bytes || header.data_bytes != payload_bytes_)
      throw std::runtime_error("a datagram of another size");
    const std::uint32_t index = load_u32(bytes + header.data_offset());
    const auto ahead = static_cast<std::int32_t>(index - static_cast<std::uint32_t>(next_));
    ++received_;
    if (ahead < 0) {
      --lost_;  // was given up, and came after all
      return;
    }
    lost_ += ahead;
    next_ += static_cast<std::uint64_t>(ahead) + 1;
    if (watch_.measuring())
      latencies_.record(static_cast<std::uint64_t>(now - due_ns_[index % remembered]));
  }

  void give_up_waiting() {
    lost_ += static_cast<std::int64_t>(sent_ - next_);
    next_ = sent_;
  }

  sample report(const std::string& rate_name) {
    for (const std::int64_t limit = now_ns() + loss_after_ns; next_ < sent_ && now_ns() < limit;)
      receive();
    give_up_waiting();
    if (received_ == 0) throw std::runtime_error("no datagram arrived");
    sample result;
    watch_.report(result, rate_name);
    result.push_back(
        {"lost", "%", 100.0 * static_cast<double>(lost_) / static_cast<double>(sent_)});
    return result;
  }

  quick_peer subscriber_;
  quick_peer publisher_;
  std::size_t payload_bytes_;
  stopwatch watch_;
  histogram latencies_;
  std::vector<std::int64_t> due_ns_;
  std::array<std::string, batch> packets_;
  std::array<std::string, batch> received_into_;
  std::array<iovec, batch> out_pieces_{};
  std::array<iovec, batch> in_pieces_{};
  std::array<mmsghdr, batch> out_{};
  std::array<mmsghdr, batch> in_{};
  std::uint64_t sent_ = 0;
  std::uint64_t next_ = 0;  ///< the lowest index neither received nor given up
  std::uint64_t received_ = 0;
  std::int64_t lost_ = 0;
};

}  // namespace

void add_quick(std::vector<scenario>& to) {
  for (const std::size_t bytes : {std::size_t{16}, std::size_t{1024}}) {
    to.push_back({"quick channel window 64 " + size_name(bytes), workload::quick,
                  [bytes](const server& under_test, const budget& limits) {
                    return quick_load(under_test, limits, bytes).run_windowed();
                  }});
  }
  constexpr std::int64_t period_ns = 50'000;
  to.push_back({"quick channel at 20000/s 16 B", workload::quick,
                [](const server& under_test, const budget& limits) {
                  return quick_load(under_test, limits, 16).run_paced(period_ns);
                }});
}

}  // namespace bench
