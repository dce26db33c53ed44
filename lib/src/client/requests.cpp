// What a client asks of its server.
#include <algorithm>
#include <cstring>
#include <utility>

#include "client/client_impl.hpp"
#include "protocol/encoder.hpp"
#include "protocol/wire.hpp"

namespace vsoa {
net::slice client_impl::encode(const packet_view& p) {
  net::slice packet = loop_.log().reserve(protocol::encoded_bytes(p));
  protocol::encode(p, packet.block->data() + packet.begin);
  return packet;
}

// Sends the bytes that the operation has, or else `p`, and lets it wait for the answer. An error
// leaves the operation where it was.
std::error_code client_impl::send_request(operation_ptr& what, packet_view p) {
  const std::size_t bytes = what->packet ? what->packet->size() : protocol::encoded_bytes(p);
  // The client's own requests are few, and what they hold is its own.
  if (!what->internal && pendings() >= options_.limits.pending) return errc::too_many_pending;
  if (!what->internal && !link_->make_room(bytes)) return errc::outbox_full;
  const auto seqno = table_.add(what->type(), what.get());
  if (!seqno) return errc::too_many_pending;
  what->seqno = *seqno;
  what->waits = true;
  if (what->packet) {
    const net::chunk_ptr packet = std::exchange(what->packet, nullptr);
    protocol::store(packet->data() + protocol::offset::seqno, std::uint32_t{*seqno});
    link_->send({packet, 0, static_cast<std::uint32_t>(bytes)});
  } else {
    p.seqno = *seqno;
    link_->send(encode(p));
  }
  activate(std::move(what));
  return {};
}

// --- calls ---

operation_id client_impl::start_call(const request& what, completion done) {
  const packet_view p = to_packet(what);
  if (!is_next() || phase_ != phase::connected || closed_) {
    operation_ptr o = make_request(client_operation::kind::call, p, what.timeout);
    const operation_id id = reserve(*o);
    launch(std::move(o), std::move(done));
    return id;
  }
  operation_ptr o = take_free(client_operation::kind::call);
  const operation_id id = reserve(*o);
  o->timeout = what.timeout;
  o->done = std::move(done);
  std::error_code error = check_request(p);
  if (!error) error = send_request(o, p);
  if (error) {  // told later: a completion is never run in here
    o->error = error;
    enqueue({std::move(o), {}, 0});
  }
  return id;
}

// Calls without a wish for an answer, and datagrams.
bool client_impl::send_unanswered(const packet_view& p, channel via) {
  if (!is_connected() || check_request(p, via)) return false;
  if (is_next()) return send_now(p, via);
  const std::size_t bytes = protocol::encoded_bytes(p);
  {
    const std::lock_guard lock(mutex_);
    if (inbox_bytes_ > options_.limits.outbox) return false;
    if (via == channel::quick && info_.quick_port == 0) return false;
  }
  net::chunk_ptr copy = net::chunk::allocate(bytes);
  protocol::encode(p, copy->extend(bytes));
  post(
      [this, block = std::move(copy), via, type = p.type] {
        send_slice({block, 0, static_cast<std::uint32_t>(block->size())}, via, type);
      },
      bytes);
  return true;
}

bool client_impl::send_now(const packet_view& p, channel via) {
  return phase_ == phase::connected && send_slice(encode(p), via, p.type);
}

// Numbers the packet and sends it, if it can be sent now.
bool client_impl::send_slice(const net::slice& packet, channel via, packet_type type) {
  if (phase_ != phase::connected) return false;
  std::byte* const bytes = packet.block->data() + packet.begin;
  if (via == channel::quick) {
    if (!quick_sends_) return false;
    protocol::store(bytes + protocol::offset::seqno, info_.client_id);
    return quick_->send({bytes, packet.size()});
  }
  if (!link_->make_room(packet.size())) return false;
  if (type != packet_type::datagram) {
    protocol::store(bytes + protocol::offset::seqno, unanswered_.next());
  }
  link_->send(packet);
  return true;
}

// --- subscriptions ---

std::error_code client_impl::begin_subscribing(operation_ptr& what) {
  if (what->urls.size() != 1) {
    begin_each(std::move(what));
    return {};
  }
  packet_view p;
  p.type = what->type();
  p.url = what->urls.front();
  return send_request(what, p);
}

// One request for each URL: to some servers a list is something else.
void client_impl::begin_each(operation_ptr what) {
  if (what->urls.empty()) return finish(std::move(what), {});
  const auto self = shared_from_this();
  const auto group = std::make_shared<operation_group>();
  group->done = std::move(what->done);
  group->missing = what->urls.size();
  for (std::string& url : what->urls) {
    operation_ptr one = take_free(what->what);
    one->id = what->id;
    one->timeout = what->timeout;
    one->group = group;
    one->urls.push_back(std::move(url));
    if (const auto error = begin(one)) finish(std::move(one), error);
  }
}

// Of what the server has granted.
void client_impl::remember(const client_operation& o) {
  const std::lock_guard lock(mutex_);
  switch (o.what) {
    case client_operation::kind::subscribe:
      subscriptions_.insert(o.urls.front());
      break;
    case client_operation::kind::unsubscribe:
      subscriptions_.erase(o.urls.front());
      break;
    case client_operation::kind::unsubscribe_all:
      subscriptions_.clear();
      break;
    default:
      break;
  }
}

// Some servers refuse a request without URL.
void client_impl::unsubscribe_one_by_one(operation_ptr what) {
  what->what = client_operation::kind::unsubscribe;
  what->urls = subscriptions();
  begin_each(std::move(what));
}

void client_impl::restore_subscriptions() {
  const bool wanted = robot_ && robot_->options.restore_subscriptions;
  if (!wanted) {
    const std::lock_guard lock(mutex_);
    subscriptions_.clear();
    return;
  }
  for (std::string& url : subscriptions()) {
    operation_ptr o = take_free(client_operation::kind::subscribe);
    reserve(*o);
    o->internal = true;
    o->timeout = default_call_timeout;
    o->done = [this, url](std::error_code error, const reply_view&) {
      if (error && error != errc::closed && error != errc::cancelled) {
        log(log_level::warning,
            "client: subscription " + url + " not restored: " + error.message());
      }
    };
    o->urls.push_back(std::move(url));
    if (const auto error = begin_subscribing(o)) finish(std::move(o), error);
  }
}

}  // namespace vsoa
