// DATAGRAM, on either channel. Source: the wire notes, lib/README.md, "Datagrams" and "Quick
// channel".

#include "protocol/encoder.hpp"
#include "server/server_impl.hpp"
#include "server/session.hpp"
#include "server/shard.hpp"

namespace vsoa {

using route = server::datagram_route;

void session::handle_datagram(const packet_view& p) {
  server_impl& owner = shard_.owner();
  if (!may(server::access::datagram, p.url)) {
    ++shard_.counters().datagrams_in;
    return;
  }
  const route to = owner.route_of(p.url);
  protocol::packet_train train;
  if (to == route::relay) train = take_alike(p, protocol::encoded_bytes(p));
  shard_.counters().datagrams_in += train.count;
  if (to != route::tell) owner.relay(p, train, channel::normal);
  if (to != route::relay) {
    owner.tell(owner.on_datagram, origin_.id, p.url, p.payload, channel::normal);
  }
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
  if (!may(server::access::datagram, p.url)) return;
  server_impl& owner = shard_.owner();
  const route to = owner.route_of(p.url);
  if (to != route::tell) owner.relay(p, {}, channel::quick);
  if (to != route::relay) {
    owner.tell(owner.on_datagram, origin_.id, p.url, p.payload, channel::quick);
  }
}

}  // namespace vsoa
