// DATAGRAM, on either channel. Source: the wire notes, lib/README.md, "Datagrams" and "Quick
// channel".

#include "server/server_impl.hpp"
#include "server/session.hpp"
#include "server/shard.hpp"

namespace vsoa {

void session::handle_datagram(const packet_view& p) {
  ++shard_.counters().datagrams_in;
  const auto& callback = shard_.owner().on_datagram;
  if (callback) callback(origin_.id, p.url, p.payload, channel::normal);
}

// Anyone can write any client id into a datagram; only the client can send from its address and
// port.
void session::quick_datagram(const packet_view& p, const socket_address& from) {
  if (!is_handshaken() || !authenticated_ || from.ip != origin_.peer.ip ||
      from.port != peer_quick_port_.load(std::memory_order_relaxed)) {
    ++shard_.counters().quick_rejected;
    return;
  }
  ++shard_.counters().datagrams_in;
  const auto& callback = shard_.owner().on_datagram;
  if (callback) callback(origin_.id, p.url, p.payload, channel::quick);
}

}  // namespace vsoa
