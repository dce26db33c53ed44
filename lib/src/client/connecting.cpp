// From a server's URL to a session, and its end.
#include <string>
#include <utility>

#include "client/client_impl.hpp"
#include "protocol/client_handshake.hpp"
#include "protocol/encoder.hpp"

namespace vsoa {
namespace {

// A socket closed at once, with input unread, is reset: the kernel throws away what it has to send.
constexpr std::chrono::seconds usual_linger{1};

std::error_code to_error(net::close_reason why) {
  switch (why) {
    case net::close_reason::peer:
      return errc::closed;
    case net::close_reason::protocol_error:
      return errc::violation;
    case net::close_reason::slow:
      return errc::not_reading;
    case net::close_reason::partial:
      return errc::timeout;
    case net::close_reason::local:
    case net::close_reason::tls:
      break;
  }
  return {};
}

// The host may be no name that a certificate could have.
connect_errc why_not_begun(const std::exception& e) noexcept {
  if (dynamic_cast<const tls_error*>(&e) != nullptr) return connect_errc::tls_failed;
  if (dynamic_cast<const std::system_error*>(&e) != nullptr) return connect_errc::unreachable;
  return connect_errc::error;
}

}  // namespace

net::connection::settings client_impl::connection_settings() const {
  return {options_.send_timeout, options_.limits.partial_timeout, options_.limits.outbox};
}

void client_impl::set_phase(phase p) {
  phase_ = p;
  update_idle();
}

void client_impl::set_send_timeout(std::chrono::milliseconds timeout) {
  options_.send_timeout = timeout;
  if (link_) link_->set_send_timeout(timeout);
}

// --- an attempt ---

std::error_code client_impl::begin_connect(operation_ptr& what) {
  if (phase_ != phase::idle || robot_) return errc::already_connected;
  client_operation& o = activate(std::move(what));
  connecting_ = &o;
  if (o.socket) {
    adopt(o.url, std::move(o.socket), *o.options, std::move(o.tls));
  } else {
    dial(o.url, *o.options, std::move(o.tls));
  }
  return {};
}

// Not at once, as nothing completes within the function that began it.
void client_impl::adopt(const std::string& name, net::unique_fd socket,
                        const connect_options& options,
                        std::shared_ptr<const net::tls_context> tls) {
  dial_begins(options, std::move(tls));
  dialer_ = std::make_shared<dialer>(loops_, loop_,
                                     [this](dialer::result found) { dialed(std::move(found)); });
  dialer_->adopt(name, std::move(socket));
}

void client_impl::dial(std::string_view url, const connect_options& options,
                       std::shared_ptr<const net::tls_context> tls) {
  dial_begins(options, std::move(tls));
  dialer_ = std::make_shared<dialer>(loops_, loop_,
                                     [this](dialer::result found) { dialed(std::move(found)); });
  dialer_->start(url, options);
}

void client_impl::dial_begins(const connect_options& options,
                              std::shared_ptr<const net::tls_context> tls) {
  set_phase(phase::dialing);
  tls_ = std::move(tls);
  password_ = options.password;
  {
    const std::lock_guard lock(mutex_);
    info_.priority = 0;  // the new server's may come before its handshake's answer
  }
  connect_end_ = net::after(net::clock_now(), options.timeout);
  rearm();
}

void client_impl::dialed(dialer::result found) {
  const auto self = shared_from_this();
  dialer_.reset();
  if (found.error != connect_errc::ok) return connect_failed(found.error);
  // Never in clear text what was asked for with TLS.
  if (found.secure && !tls_) return connect_failed(connect_errc::tls_failed);
  address_ = found.address;
  host_ = found.name;
  try {
    link_.reset(new server_link(self, net::transport(std::move(found.socket), tls_, found.name),
                                address_.ip.v6));
    link_->start();
    open_quick(address_);
  } catch (const std::exception& e) {
    log(log_level::warning, std::string("client: ") + e.what());
    return connect_failed(why_not_begun(e));
  }
  set_phase(phase::handshake);
  if (tls_) {
    secured_by_ = net::after(net::clock_now(), tls_->handshake_timeout());
    rearm();
  }
  send_servinfo();  // with TLS it leaves when that is ready
}

void client_impl::on_secured() {
  secured_by_ = net::steady_time::max();
}

// Throws std::system_error.
void client_impl::open_quick(const socket_address& server) {
  if (!options_.quick || tls_ || server.port == 0) return;  // one of a socketpair() has no port
  quick_ = std::make_shared<net::quick_peer>(loop_);
  if (const auto error = quick_->open(server)) {
    throw std::system_error(error, "quick channel to " + server.to_string());
  }
  quick_->start([this](std::span<const std::byte> datagram) { on_quick(datagram); });
}

void client_impl::send_servinfo() {
  const std::string param = protocol::write_servinfo_param(password_);
  packet_view p;
  p.type = packet_type::servinfo;
  if (quick_) {
    p.flags = packet_flags::tunnel;
    p.tunid = quick_->local_port();
  }
  p.payload.param = param;
  if (const auto error = check_request(p)) return connect_failed(connect_errc::error);
  link_->send(encode(p));
}

// A server that has answered.
void client_impl::shaken(const packet_view& p) {
  protocol::handshake_answer answer;
  connect_errc error{};
  switch (protocol::read_handshake(p, answer, error)) {
    case protocol::handshake_step::wait:
      return on_session_packet(p);
    case protocol::handshake_step::failed:
      return connect_failed(error);
    case protocol::handshake_step::done:
      break;
  }
  if (quick_ && answer.quick_port) quick_->turn_to(*answer.quick_port);
  quick_sends_ = quick_ && answer.client_id;
  server_info now;
  now.info = answer.info;
  now.client_id = answer.client_id.value_or(0);
  now.address = address_;
  now.local = net::local_address(link_->native_handle());
  now.secure = tls_ != nullptr;
  now.quick_port = quick_sends_ ? quick_->port() : std::uint16_t{0};
  {
    const std::lock_guard lock(mutex_);
    now.priority = std::exchange(info_.priority, std::uint8_t{0});
    info_ = now;
    security_ = {tls_, host_};
    certificate_ = link_->bytes().peer_certificate();
  }
  connect_end_ = net::steady_time::max();
  delays_.connected();
  connected_ = true;
  set_phase(phase::connected);
  start_watching();
  restore_subscriptions();
  log(log_level::debug, "client: connected to " + address_.to_string());
  tell(on_connect, std::as_const(now));
  if (connecting_ == nullptr) return;
  reply_view told;
  told.payload.param = now.info;
  finish(deactivate(*connecting_), {}, told);
}

void client_impl::connect_failed(std::error_code why) {
  log(log_level::debug, "client: not connected: " + why.message());
  if (dialer_) std::exchange(dialer_, nullptr)->cancel();
  drop_link(false);
  connect_end_ = secured_by_ = net::steady_time::max();
  set_phase(phase::idle);
  plan_reconnect();
  if (connecting_ != nullptr) finish(deactivate(*connecting_), why);
  if (robot_) tell(on_connect_failed, why);
}

// --- the end of a session ---

void client_impl::on_link_closed(server_link& which, net::close_reason why) {
  if (&which != link_.get()) return;
  if (which.is_lingering()) lingering_.emplace_back(&which);
  if (why == net::close_reason::tls) {
    log(log_level::warning,
        "client: TLS with " + address_.to_string() + ": " + which.bytes().failure());
    return connect_failed(connect_errc::tls_failed);
  }
  if (phase_ == phase::connected) return end_session(to_error(why));
  connect_failed(why == net::close_reason::protocol_error ? connect_errc::invalid_responding
                                                          : connect_errc::no_responding);
}

void client_impl::end_session(std::error_code why) {
  const auto self = shared_from_this();
  drop_link(why == errc::no_answer);
  keepalive_.stop();
  turbo_at_ = net::steady_time::max();
  connected_ = false;
  set_phase(phase::idle);
  plan_reconnect();
  log(log_level::debug, "client: connection to " + address_.to_string() + " ended" +
                            (why ? ": " + why.message() : std::string()));
  table_.forget_late();
  fail_all(errc::closed);
  tell(on_disconnect, why);
}

void client_impl::disconnect() {
  {
    const std::lock_guard lock(mutex_);
    if (robot_ && !robot_->options.restore_subscriptions) subscriptions_.clear();
    robot_.reset();
  }
  reconnect_at_ = net::steady_time::max();
  turbo_ = {};
  if (phase_ == phase::connected) return end_session({});
  if (phase_ != phase::idle) return connect_failed(errc::cancelled);
  update_idle();
}

void client_impl::drop_link(bool reset) {
  if (quick_) std::exchange(quick_, nullptr)->stop();
  quick_sends_ = false;
  const auto old = std::exchange(link_, nullptr);
  if (!old || !old->is_open()) return;
  const auto linger = options_.linger.value_or(usual_linger);
  if (reset || linger.count() <= 0) return old->close(net::close_reason::local, true);
  if (phase_ == phase::connected && !closed_) {
    lingering_.push_back(old);
    return old->close_gracefully(net::close_reason::local, linger);
  }
  old->flush_now();
  old->close(net::close_reason::local);
}

void client_impl::on_lingered(server_link& which) {
  std::erase_if(lingering_, [&](const auto& each) { return each.get() == &which; });
}

}  // namespace vsoa
