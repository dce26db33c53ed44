#include "net/quick.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace vsoa::net {
namespace {

constexpr std::size_t receives_per_call = 16;
constexpr std::size_t datagram_bytes = 65536;

}  // namespace

struct quick_socket::batch {
  std::array<mmsghdr, receives_per_call> headers{};
  std::array<iovec, receives_per_call> parts{};
  std::array<raw_address, receives_per_call> from;
  std::array<packet_info, receives_per_call> info;
  std::unique_ptr<std::byte[]> bytes{new std::byte[receives_per_call * datagram_bytes]};

  void prepare() {
    for (std::size_t i = 0; i < receives_per_call; ++i) {
      parts[i] = {bytes.get() + i * datagram_bytes, datagram_bytes};
      msghdr& h = headers[i].msg_hdr;
      h = {};
      h.msg_name = from[i].get();
      h.msg_namelen = sizeof(sockaddr_storage);
      h.msg_iov = &parts[i];
      h.msg_iovlen = 1;
      info[i].prepare_receive(h);
    }
  }
};

quick_socket::quick_socket(loop& where, unique_fd socket, callback on_datagram)
    : loop_(where), socket_(std::move(socket)), on_datagram_(std::move(on_datagram)) {}

quick_socket::~quick_socket() = default;

void quick_socket::start() {
  batch_ = std::make_unique<batch>();
  loop_.sockets().add(native_handle(), *this, EPOLLIN);
  is_receiving_ = true;
}

void quick_socket::stop() {
  if (!std::exchange(is_receiving_, false)) return;
  loop_.sockets().remove(native_handle(), *this);
}

// One call a turn: what is left makes the socket ready again, behind everybody else. An error is
// one of an earlier send, reported by ICMP, and has nothing to do with receiving.
void quick_socket::on_ready(std::uint32_t) {
  batch_->prepare();
  const int count =
      ::recvmmsg(native_handle(), batch_->headers.data(), receives_per_call, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < count && is_receiving_; ++i) {
    const mmsghdr& h = batch_->headers[static_cast<std::size_t>(i)];
    const auto local = packet_info::received(h.msg_hdr);
    raw_address& from = batch_->from[static_cast<std::size_t>(i)];
    on_datagram_({static_cast<const std::byte*>(h.msg_hdr.msg_iov->iov_base), h.msg_len},
                 from_raw(from), local.value_or(ip_address{}));
  }
}

void quick_sender::send(const std::shared_ptr<quick_socket>& socket, const socket_address& to,
                        const ip_address& from, slice packet) {
  if (items_.size() >= max_items) flush();
  items_.push_back({socket, to, from, std::move(packet)});
  if (!requested_) {
    requested_ = true;
    loop_.request_turn_end(*this);
  }
}

void quick_sender::on_turn_end() {
  requested_ = false;
  flush();
}

void quick_sender::flush() {
  std::span<item> rest(items_);
  while (!rest.empty()) {
    const auto other = std::find_if(rest.begin(), rest.end(),
                                    [&](const item& i) { return i.socket != rest.front().socket; });
    const auto run = static_cast<std::size_t>(other - rest.begin());
    const std::size_t count = std::min(run, batch_size);
    send_batch(rest.first(count));
    rest = rest.subspan(count);
  }
  items_.clear();
}

void quick_sender::send_batch(std::span<item> items) {
  std::array<mmsghdr, batch_size> headers{};
  std::array<iovec, batch_size> parts;
  std::array<raw_address, batch_size> to;
  std::array<packet_info, batch_size> info;
  for (std::size_t i = 0; i < items.size(); ++i) {
    item& each = items[i];
    to[i] = to_raw(each.to);
    parts[i] = {each.packet.block->data() + each.packet.begin, each.packet.size()};
    msghdr& h = headers[i].msg_hdr;
    h.msg_name = to[i].get();
    h.msg_namelen = to[i].length;
    h.msg_iov = &parts[i];
    h.msg_iovlen = 1;
    info[i].prepare_send(h, each.from);
  }
  const int handle = items.front().socket->native_handle();
  for (std::size_t done = 0; done < items.size();) {
    const int count =
        ::sendmmsg(handle, headers.data() + done, static_cast<unsigned>(items.size() - done),
                   MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count > 0) {
      for (int i = 0; i < count; ++i, ++done)
        sent_bytes_ += items[done].packet.size();
    } else if (errno != EINTR) {
      ++dropped_;  // full buffer, no route, an ICMP error of an earlier one: on to the next
      ++done;
    }
  }
}

}  // namespace vsoa::net
