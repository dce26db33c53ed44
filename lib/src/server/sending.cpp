// What a session sends: answers, publishes, datagrams; and what becomes of one that does not take
// them.

#include "protocol/decoder.hpp"
#include "protocol/encoder.hpp"
#include "server/session.hpp"
#include "server/shard.hpp"

namespace vsoa {
namespace {

// A copy costs more than a write from there up.
constexpr std::size_t min_uncopied_bytes = 16U << 10;

}  // namespace

// What is sent to a subscriber stays behind what was published before.
void session::settle() {
  if (!topics_.empty()) shard_.settle();
}

net::slice session::encode(const packet_view& p, std::size_t bytes) {
  net::slice packet = where().log().reserve(bytes);
  protocol::encode(p, packet.block->data() + packet.begin);
  return packet;
}

// What the client has asked for: if it does not take that, it is of no use. The parts are not put
// together to a packet first: read back at once, that costs more than to encode it.
[[gnu::always_inline]] inline void session::send_answer(protocol::packet_head head,
                                                        const payload_view& payload) {
  const payload_view parts = payload;  // in registers: for all the compiler knows, what is stored
                                       // below changes what is referred to
  settle();
  if (doomed_) [[unlikely]]
    return;
  const std::size_t bytes = protocol::encoded_bytes({}, parts);
  if (bytes >= min_uncopied_bytes && can_write_now()) [[unlikely]]
    return send_uncopied(head, payload, bytes);
  if (!make_room(bytes)) [[unlikely]]
    return close_slow();
  const net::slice packet = where().log().reserve(bytes);
  protocol::encode(head, {}, parts, packet.block->data() + packet.begin);
  send(packet);
}

// Straight from where it lies: only what the kernel does not take now is copied.
void session::send_uncopied(protocol::packet_head head, const payload_view& payload,
                            std::size_t bytes) {
  protocol::packet_parts parts(head, {}, payload);
  const std::size_t taken = write_now(parts.parts());
  if (taken == bytes) return;
  net::slice rest = where().log().reserve(bytes);
  protocol::encode(head, {}, payload, rest.block->data() + rest.begin);
  rest.begin += static_cast<std::uint32_t>(taken);
  send(rest);
}

void session::answer(const packet_view& request, status s) {
  send_head({request.type, packet_flags::reply, static_cast<std::uint8_t>(s), request.seqno, 0});
}

void session::send_head(protocol::packet_head head) {
  send_answer(head, {});
}

void session::reply(std::uint32_t seqno, status s, const payload_view& payload,
                    std::uint16_t tunid) {
  if (!protocol::fits({}, payload, channel::normal)) [[unlikely]]
    return send_head(protocol::rpc_answer(seqno, status::no_memory, 0));
  send_answer(protocol::rpc_answer(seqno, s, tunid), payload);
}

void session::reply_encoded(const net::slice& packet) {
  settle();
  if (!doomed_) {
    if (make_room(packet.size())) {
      send(packet);
    } else {
      close_slow();
    }
  }
  call_ended();  // last: until then the server is not idle
}

void session::overflow() {
  ++shard_.counters().dropped;
  if (shard_.limits().slow == slow_consumer::close) close_slow();
}

bool session::takes_publishes() const noexcept {
  return is_handshaken() && !doomed_ && authed_.load(std::memory_order_relaxed);
}

void session::deliver(const net::slice& packets, std::uint32_t count) {
  if (!takes_publishes()) return;
  const bool fits = count == 1 || packets.size() <= shard_.limits().outbox;
  if (fits && make_room(packets.size())) {
    send(packets);
    shard_.counters().deliveries += count;
    return;
  }
  // As many as there is room for.
  net::slice one = packets;
  for (; count != 0 && !doomed_; --count, one.begin = one.end) {
    packet_view ignored;
    one.end = packets.end;
    const auto first = protocol::decode({one.data(), one.size()}, ignored);
    one.end = one.begin + static_cast<std::uint32_t>(first.bytes);
    if (make_room(one.size())) {
      send(one);
      ++shard_.counters().deliveries;
    } else {
      overflow();
    }
  }
}

void session::deliver_quick(const net::slice& packet) {
  const std::uint16_t port = peer_quick_port_.load(std::memory_order_relaxed);
  if (!takes_publishes() || port == 0 || !origin_.quick) return;
  shard_.quick().send(origin_.quick, {origin_.peer.ip, port}, origin_.local.ip, packet);
  ++shard_.counters().deliveries;
}

bool session::send_message(const packet_view& p, channel via) {
  if (!authenticated_ || doomed_ || !is_open()) return false;
  if (p.type == packet_type::publish && !authed_.load(std::memory_order_relaxed)) return false;
  if (via == channel::quick) {
    const std::uint16_t port = peer_quick_port_.load(std::memory_order_relaxed);
    if (port == 0 || !origin_.quick) return false;
    shard_.quick().send(origin_.quick, {origin_.peer.ip, port}, origin_.local.ip,
                        encode(p, protocol::encoded_bytes(p)));
    return true;
  }
  settle();
  const std::size_t bytes = protocol::encoded_bytes(p);
  if (make_room(bytes)) {
    send(encode(p, bytes));
    return true;
  }
  overflow();
  return false;
}

void session::close_slow() {
  if (doomed_) return;
  doomed_ = true;
  where().post(
      [self = boost::intrusive_ptr<session>(this)] { self->close(net::close_reason::slow, true); });
}

}  // namespace vsoa
