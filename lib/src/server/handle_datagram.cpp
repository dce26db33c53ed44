// DATAGRAM, on either channel. Source: the wire notes, lib/README.md, "Datagrams" and "Quick
// channel".

#include "server/server_impl.hpp"
#include "server/session.hpp"
#include "server/shard.hpp"

namespace vsoa {

void session::handle_datagram(const packet_view& p) {
  ++shard_.counters().datagrams_in;
  const server_impl& owner = shard_.owner();
  owner.tell(owner.on_datagram, origin_.id, p.url, p.payload, channel::normal);
}

// Anyone can write any client id into a datagram; only the client can send from its address and
// port.
void session::quick_datagram(const packet_view& p, const socket_address& from) {
  const std::uint16_t port = peer_quick_port_.load(std::memory_order_relaxed);
  if (!is_handshaken() || !authenticated_ || port == 0 || from.ip != origin_.peer.ip ||
      from.port != port) {
    ++shard_.counters().quick_rejected;
    return;
  }
  ++shard_.counters().datagrams_in;
  const server_impl& owner = shard_.owner();
  owner.tell(owner.on_datagram, origin_.id, p.url, p.payload, channel::quick);
}

}  // namespace vsoa
