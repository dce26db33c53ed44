#include "client/operation.hpp"

#include "client/client_impl.hpp"
#include "protocol/encoder.hpp"
#include "vsoa/url.hpp"

namespace vsoa {

void client_operation::on_timer(net::steady_time) {
  owner->expire(*this);
}

packet_type client_operation::type() const noexcept {
  switch (what) {
    case kind::ping:
      return packet_type::pingecho;
    case kind::subscribe:
      return packet_type::subscribe;
    case kind::unsubscribe:
    case kind::unsubscribe_all:
      return packet_type::unsubscribe;
    case kind::call:
      return packet_type::rpc;
    case kind::connect:
      break;
  }
  return packet_type::servinfo;
}

operation_ptr make_operation(client_operation::kind what) {
  operation_ptr made(new client_operation, [](client_operation* o) noexcept { delete o; });
  made->what = what;
  return made;
}

packet_view to_packet(const request& what) noexcept {
  packet_view p;
  p.type = packet_type::rpc;
  p.flags = what.method == method::set ? packet_flags::set : std::uint8_t{0};
  p.url = what.url;
  p.payload = what.payload;
  return p;
}

std::error_code check_request(const packet_view& p, channel via) {
  // Only calls, datagrams and subscriptions have a URL, and these need one.
  if (!p.url.empty() || p.type == packet_type::rpc || p.type == packet_type::datagram) {
    if (p.url.size() > max_url_bytes) return errc::too_large;
    if (!is_valid_url(p.url)) return errc::invalid_url;
  }
  if (!protocol::fits(p, via)) return errc::too_large;
  return {};
}

operation_ptr make_request(client_operation::kind what, const packet_view& p,
                           std::chrono::milliseconds timeout) {
  operation_ptr made = make_operation(what);
  made->timeout = timeout;
  made->error = check_request(p);
  if (made->error) return made;
  const std::size_t bytes = protocol::encoded_bytes(p);
  made->packet = net::chunk::allocate(bytes);
  protocol::encode(p, made->packet->extend(bytes));
  return made;
}

}  // namespace vsoa
