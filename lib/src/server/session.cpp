#include "server/session.hpp"

#include <algorithm>

#include "protocol/gate.hpp"
#include "server/server_impl.hpp"
#include "server/shard.hpp"
#include "vsoa/url.hpp"

namespace vsoa {
namespace {

// Enough for a century of uptime, at half the size of a time.
std::uint32_t steady_seconds() noexcept {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now).count());
}

// What a connection may send in one packet before it has passed the handshake.
constexpr std::size_t handshake_packet_bytes = 4096;

std::string_view describe(net::close_reason why) {
  switch (why) {
    case net::close_reason::peer:
      return "closed by the client";
    case net::close_reason::local:
      return "closed by us";
    case net::close_reason::protocol_error:
      return "protocol error";
    case net::close_reason::slow:
      return "does not read";
    case net::close_reason::partial:
      return "unfinished packet";
    case net::close_reason::tls:
      return "TLS handshake failed";
  }
  return "?";
}

}  // namespace

session::session(shard& owner, net::transport stream, origin from)
    : net::connection(
          owner.where(), std::move(stream), from.peer.ip.v6, owner.counters(),
          {owner.owner().send_timeout(), owner.limits().partial_timeout, owner.limits().outbox}),
      shard_(owner),
      origin_(std::move(from)),
      order_(origin_.serial),
      connected_at_(steady_seconds()),
      authenticated_(owner.owner().credentials()->empty()) {
  set_packet_limit(handshake_packet_bytes);
  set_drop_when_slow(owner.limits().slow == slow_consumer::drop);
  const auto keepalive = owner.owner().keepalive();
  if (keepalive.count() > 0) set_keepalive(keepalive);
  if (bytes().is_secured()) {
    await_handshake();
  } else {
    set_deadline(net::after(net::clock_now(), bytes().handshake_timeout()));
  }
}

void session::await_handshake() {
  set_deadline(net::after(net::clock_now(), shard_.limits().handshake_timeout));
}

void session::on_secured() {
  await_handshake();
}

// What a client was given for itself stays, unless that changes for all.
void session::limits_changed(const server_limits& before) {
  const server_limits& now = shard_.limits();
  set_outbox_limit(now.outbox);
  set_partial_timeout(now.partial_timeout);
  if (now.send_timeout != before.send_timeout) set_send_timeout(now.send_timeout);
  set_drop_when_slow(now.slow == slow_consumer::drop);
}

void session::lose_quick(const net::quick_socket& socket) {
  if (origin_.quick.get() == &socket) origin_.quick.reset();
}

client_info session::info() const {
  return {origin_.id,
          origin_.peer,
          origin_.local,
          role_,
          authed_.load(std::memory_order_relaxed),
          priority(),
          peer_quick_port_.load(std::memory_order_relaxed)};
}

std::chrono::seconds session::age() const noexcept {
  return std::chrono::seconds(steady_seconds() - connected_at_);
}

bool session::is_subscribed(std::string_view url) const {
  return std::any_of(topics_.begin(), topics_.end(),
                     [&](const subscriptions::topic* t) { return url_matches(t->url, url); });
}

// Without rules it costs a look.
bool session::may(server::access what, std::string_view url) {
  const server_impl& owner = shard_.owner();
  if (!owner.is_access_checked()) [[likely]]
    return true;
  return is_allowed(what, url);
}

bool session::is_allowed(server::access what, std::string_view url) {
  const server_impl& owner = shard_.owner();
  bool allowed = false;
  owner.tell([&](std::string_view u) { allowed = owner.check_access(role_, what, u); }, url);
  if (!allowed) ++shard_.counters().denied;
  return allowed;
}

session::next session::on_packet(const packet_view& p) {
  // The client has seen the handshake's answer if it goes on.
  if (is_held()) hold(false);
  const std::uint64_t sent_across = shard_.sent_across();
  switch (protocol::admit(p, authenticated_)) {
    case protocol::gate_verdict::dispatch:
      if (p.type == packet_type::rpc) [[likely]] {
        handle_rpc(p);
      } else {
        dispatch(p);
      }
      break;
    case protocol::gate_verdict::ignore:
      break;
    case protocol::gate_verdict::refuse:
      refuse(p);
      break;
    case protocol::gate_verdict::close:
      close(net::close_reason::local);
      break;
  }
  if (doomed_) return next::stop;
  // Who has nothing to do with the other loops does not wait for them.
  if (shard_.is_backlogged() && shard_.sent_across() != sent_across && is_open()) {
    block_input(true);
    shard_.wait_for_backlog(*this);
    return next::pause;
  }
  return next::packet;
}

void session::dispatch(const packet_view& p) {
  switch (p.type) {
    case packet_type::servinfo:
      return handle_servinfo(p);
    case packet_type::subscribe:
      return handle_subscribe(p);
    case packet_type::unsubscribe:
      return handle_unsubscribe(p);
    case packet_type::datagram:
      return handle_datagram(p);
    case packet_type::pingecho:
      return answer(p, status::success);
    case packet_type::rpc:  // on_packet() has seen to it
    case packet_type::publish:
    case packet_type::qossetup:
    case packet_type::noop:
      break;  // the gate has stopped these
  }
}

void session::refuse(const packet_view& p) {
  ++shard_.counters().bad_passwords;
  shard_.owner().log(log_level::debug, "client " + std::to_string(origin_.id) + " at " +
                                           origin_.peer.to_string() +
                                           ": no password, or a wrong one");
  answer(p, status::password);
  close_gracefully();
}

void session::set_authed(bool authed) {
  settle();
  authed_.store(authed, std::memory_order_relaxed);
}

void session::set_priority(std::uint8_t priority) {
  settle();
  priority_.store(priority, std::memory_order_relaxed);
  order_ = shard_.owner().next_serial();
  shard_.priorities_changed();
  set_flush_priority(priority);
  net::set_type_of_service(native_handle(), is_v6(), priority);
  send_head({packet_type::qossetup, packet_flags::reply, priority, 0, 0});
}

void session::call_deferred() noexcept {
  ++calls_in_flight_;
  ++shard_.counters().calls_open;
}

void session::call_ended() noexcept {
  --calls_in_flight_;
  shard_.counters().calls_open -= 1;
}

void session::on_deadline() {
  if (is_handshaken()) return hold(false);
  if (bytes().is_secured()) {
    ++shard_.counters().handshake_timeouts;
  } else {
    ++shard_.counters().tls_handshake_timeouts;
  }
  close(net::close_reason::local);
}

void session::on_lingered() {
  shard_.owner().gate().gone(origin_.id);
  shard_.forget_lingering(*this);
}

void session::on_closed(net::close_reason why) {
  shard_counters& counters = shard_.counters();
  switch (why) {
    case net::close_reason::protocol_error:
      ++counters.protocol_errors;
      break;
    case net::close_reason::slow:
      ++counters.slow_closed;
      break;
    case net::close_reason::partial:
      ++counters.partial_timeouts;
      break;
    case net::close_reason::tls:
      ++counters.tls_failed;
      break;
    case net::close_reason::peer:
    case net::close_reason::local:
      break;
  }
  counters.calls_open -= calls_in_flight_;
  calls_in_flight_ = 0;
  shard_.unsubscribe_all(*this, topics_);
  server_impl& owner = shard_.owner();
  // A connection that lingers still counts.
  if (!is_lingering()) owner.gate().gone(origin_.id);
  shard_.forget(*this);
  owner.streams().client_gone(origin_.id);
  std::string reason(describe(why));
  if (const std::string tls = bytes().failure(); !tls.empty()) reason += ": " + tls;
  owner.log(log_level::debug, "client " + std::to_string(origin_.id) + " at " +
                                  origin_.peer.to_string() + ": " + reason);
  if (announced_) owner.tell(owner.on_client, origin_.id, false);
}

}  // namespace vsoa
