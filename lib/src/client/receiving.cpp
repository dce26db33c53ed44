// Packets of the server.
#include <utility>

#include "client/client_impl.hpp"
#include "protocol/decoder.hpp"

namespace vsoa {

void client_impl::on_packet(server_link& from, const packet_view& p) {
  if (&from != link_.get()) return;  // which keeps this object until it has been read
  phase_ == phase::connected ? on_session_packet(p) : shaken(p);
}

void client_impl::on_session_packet(const packet_view& p) {
  switch (p.type) {
    case packet_type::publish:
      return tell(on_message, p.url, p.payload, channel::normal);
    case packet_type::datagram:
      return tell(on_datagram, p.url, p.payload, channel::normal);
    case packet_type::qossetup:
      return apply_priority(p.status);
    default:
      break;
  }
  if (phase_ == phase::connected && p.is_reply()) return on_reply(p);
  if (phase_ == phase::connected && p.type == packet_type::pingecho) return answer_ping(p);
  ++ignored_;
}

void client_impl::on_reply(const packet_view& p) {
  client_operation* const found = table_.take(p.seqno, p.type);
  if (found == nullptr) return static_cast<void>(++ignored_);  // late, twice, or to another type
  found->waits = false;
  operation_ptr what = deactivate(*found);
  const auto result = static_cast<status>(p.status);
  if (what->what == client_operation::kind::call) {
    const std::uint16_t tunid = p.has_tunnel() ? p.tunid : std::uint16_t{0};
    const reply_view reply{result, tunid, p.payload};
    // Where it lies, not moved out first: the link keeps this object, should it end the client.
    if (what->done) contain([&] { what->done({}, reply); });
    return recycle(std::move(what));
  }
  if (result == status::success) {
    remember(*what);
    return finish(std::move(what), {});
  }
  if (what->what == client_operation::kind::unsubscribe_all) {
    return unsubscribe_one_by_one(std::move(what));
  }
  finish(std::move(what), result);
}

// As an extension: official servers do not ping.
void client_impl::answer_ping(const packet_view& p) {
  packet_view answer;
  answer.type = packet_type::pingecho;
  answer.flags = packet_flags::reply;
  answer.seqno = p.seqno;
  const net::slice packet = encode(answer);
  if (link_->make_room(packet.size())) link_->send(packet);
}

void client_impl::apply_priority(std::uint8_t priority) {
  if (priority > max_priority) return static_cast<void>(++ignored_);
  net::set_type_of_service(link_->native_handle(), link_->is_v6(), priority);
  if (quick_) quick_->set_priority(priority);
  const std::lock_guard lock(mutex_);
  info_.priority = priority;
}

void client_impl::on_quick(std::span<const std::byte> datagram) {
  if (phase_ != phase::connected) return;
  const auto self = shared_from_this();
  packet_view p;
  if (protocol::decode_quick(datagram, p).state != protocol::decode_state::packet) {
    return static_cast<void>(++quick_rejected_);
  }
  if (p.type == packet_type::publish) return tell(on_message, p.url, p.payload, channel::quick);
  if (p.type == packet_type::datagram) return tell(on_datagram, p.url, p.payload, channel::quick);
  ++quick_rejected_;
}

}  // namespace vsoa
