#include "vsoa/server.hpp"

#include <algorithm>

#include "server/server_impl.hpp"

namespace vsoa {

server::server(runtime& loops, server_options options)
    : impl_(std::make_shared<server_impl>(loops, std::move(options))) {}
server::~server() {
  stop();
}

socket_address server::listen(const socket_address& address) {
  return impl_->listen(address);
}
socket_address server::listen(bound_sockets sockets) {
  return impl_->listen(sockets);
}
bool server::close_listener(const socket_address& address) {
  return impl_->close_listener(address);
}
void server::start() {
  impl_->start();
}
void server::drain() {
  impl_->drain();
}
bool server::idle() const {
  return impl_->idle();
}
void server::stop() {
  impl_->stop();
}
std::vector<socket_address> server::addresses() const {
  return impl_->addresses();
}

bool server::command(std::string url, command_handler handler, work_queue* queue) {
  return impl_->add_command(std::move(url), {std::move(handler), queue});
}
bool server::set_commands(std::vector<command_entry> entries) {
  return impl_->set_commands(std::move(entries));
}

void server::on_unserved(std::function<bool(call&)> h) {
  impl_->on_unserved = std::move(h);
}
void server::check_access(access_check c) {
  impl_->set_check_access(std::move(c));
}
void server::set_access_checked(bool checked) {
  impl_->set_access_checked(checked);
}
void server::access_changed() {
  impl_->for_all_sessions([](session& s) { s.access_changed(); });
}
void server::on_client(client_callback c) {
  impl_->on_client = std::move(c);
}
void server::on_datagram(datagram_callback c) {
  impl_->on_datagram = std::move(c);
}
void server::route_datagrams(datagram_router r) {
  impl_->route_datagram = std::move(r);
}
void server::on_subscribe(subscription_callback c) {
  impl_->on_subscribe = std::move(c);
}
void server::on_unsubscribe(subscription_callback c) {
  impl_->on_unsubscribe = std::move(c);
}
void server::on_interest(interest_callback c) {
  impl_->on_interest = std::move(c);
}

void server::for_each_interest(const std::function<void(std::string_view)>& visit) const {
  if (const shard* local = impl_->here()) local->for_each_interest(visit);
}

bool server::publish(std::string_view url, payload_view payload, channel via) {
  return impl_->publish(url, payload, via);
}
bool server::publish_to(client_id client, std::string_view url, payload_view payload, channel via) {
  return impl_->publish_to(client, url, payload, via);
}
bool server::is_subscribed(std::string_view url) const {
  return std::any_of(impl_->shards().begin(), impl_->shards().end(),
                     [&](const auto& s) { return s->is_subscribed(url); });
}
bool server::datagram(client_id client, std::string_view url, payload_view payload, channel via) {
  return impl_->datagram(client, url, payload, via);
}

std::vector<client_info> server::clients() const {
  struct numbered {
    std::uint64_t serial;
    client_info info;
  };
  std::vector<numbered> found;
  for (const auto& s : impl_->shards()) {
    s->inspect_all([&](const session& each) { found.push_back({each.serial(), each.info()}); });
  }
  std::sort(found.begin(), found.end(), [](const numbered& a, const numbered& b) {
    if (a.info.priority != b.info.priority) return a.info.priority > b.info.priority;
    return a.serial < b.serial;
  });
  std::vector<client_info> result;
  for (numbered& each : found)
    result.push_back(std::move(each.info));
  return result;
}

std::optional<client_info> server::client(client_id id) const {
  std::optional<client_info> result;
  impl_->shard_of(id).inspect(id, [&](const session& s) { result = s.info(); });
  return result;
}

bool server::is_subscribed(client_id client, std::string_view url) const {
  bool result = false;
  impl_->shard_of(client).inspect(client, [&](const session& s) { result = s.is_subscribed(url); });
  return result;
}

bool server::set_authed(client_id client, bool authed) {
  return impl_->change(client, [authed](session& s) { s.set_authed(authed); });
}
bool server::set_priority(client_id client, std::uint8_t priority) {
  if (priority > max_priority) return false;
  return impl_->change(client, [priority](session& s) { s.set_priority(priority); });
}
bool server::set_keepalive(client_id client, std::chrono::seconds idle) {
  return impl_->change(client, [idle](session& s) { s.set_keepalive(idle); });
}
bool server::set_send_timeout(client_id client, std::chrono::milliseconds timeout) {
  return impl_->change(client, [timeout](session& s) { s.set_send_timeout(timeout); });
}
bool server::close(client_id id) {
  return client(id).has_value() && impl_->close(id);
}

stream_offer server::create_stream(client_id client, stream_callbacks callbacks,
                                   const stream_options& options) {
  return impl_->create_stream(client, std::move(callbacks), options);
}
stream_offer server::relay_stream(client_id client, const stream_target& upstream,
                                  const stream_options& options) {
  return impl_->relay_stream(client, upstream, options);
}

stream_offer server::hand_over_stream(client_id client, stream_taker taker,
                                      const stream_options& options) {
  return impl_->hand_over_stream(client, std::move(taker), options);
}
awaited_stream server::await_stream(std::size_t loop, stream_callbacks callbacks,
                                    const stream_options& options) {
  return impl_->await_stream(loop, std::move(callbacks), options);
}
void server::adopt(int socket, std::size_t loop) {
  impl_->adopt(net::unique_fd(socket), loop);
}

void server::set_credentials(std::vector<credential> credentials, bool close_others) {
  impl_->set_credentials(std::move(credentials));
  impl_->credentials_changed(close_others);
}
void server::set_info(std::string json) {
  impl_->set_info(std::move(json));
}
void server::set_limits(const server_limits& limits) {
  impl_->set_limits(limits);
}
void server::set_keepalive(std::chrono::seconds idle) {
  impl_->set_keepalive(idle);
}
void server::set_tls(const tls_options& options) {
  impl_->set_tls(options);
}
std::optional<certificate_info> server::peer_certificate(client_id client) const {
  std::vector<std::byte> der;
  impl_->shard_of(client).inspect(client, [&](const session& s) { der = s.certificate(); });
  return parse_certificate(der);
}
void server::set_password(std::string password) {
  std::vector<credential> credentials;
  if (!password.empty()) credentials.push_back({"", std::move(password), ""});
  set_credentials(std::move(credentials));
}
void server::set_send_timeout(std::chrono::milliseconds timeout, bool existing) {
  impl_->set_send_timeout(timeout);
  if (existing) impl_->for_all_sessions([timeout](session& s) { s.set_send_timeout(timeout); });
}

server_stats server::stats() const {
  server_stats sum;
  for (const auto& s : impl_->shards()) {
    const shard_counters& c = s->counters();
    sum.clients += s->connections();
    sum.accepted += c.accepted;
    sum.refused += c.refused;
    sum.handshakes += c.handshakes;
    sum.handshake_timeouts += c.handshake_timeouts;
    sum.tls_failed += c.tls_failed;
    sum.tls_handshake_timeouts += c.tls_handshake_timeouts;
    sum.bad_passwords += c.bad_passwords;
    sum.protocol_errors += c.protocol_errors;
    sum.slow_closed += c.slow_closed;
    sum.dropped += c.dropped + s->quick().dropped();
    sum.partial_timeouts += c.partial_timeouts;
    sum.calls += c.calls;
    sum.calls_refused += c.calls_refused;
    sum.publishes += s->publishes();
    sum.deliveries += c.deliveries;
    sum.denied += c.denied;
    sum.datagrams_in += c.datagrams_in;
    sum.relayed += c.relayed;
    sum.quick_rejected += c.quick_rejected;
    sum.received_bytes += c.received_bytes;
    sum.sent_bytes += c.sent_bytes + s->quick().sent_bytes();
    sum.reads += c.reads;
    sum.writes += c.writes;
    sum.outbox_bytes += c.outbox_bytes;
  }
  const auto streams = impl_->streams().count();
  sum.streams = streams.now;
  sum.streams_opened = streams.opened;
  sum.streams_refused = streams.refused;
  sum.stream_timeouts = streams.timeouts;
  sum.stream_strangers = streams.strangers;
  sum.stream_received_bytes = streams.received;
  sum.stream_sent_bytes = streams.sent;
  sum.stream_queued_bytes = streams.queued;
  return sum;
}

}  // namespace vsoa
