// The public face of a client.
#include "vsoa/client.hpp"

#include <algorithm>
#include <utility>

#include "client/client_impl.hpp"
#include "vsoa/url.hpp"

namespace vsoa {

client::client(runtime& loops, client_options options)
    : impl_(std::make_shared<client_impl>(loops, std::move(options))) {}
client::~client() {
  close();
}

void client::on_message(message_callback c) {
  impl_->on_message = std::move(c);
}
void client::on_datagram(message_callback c) {
  impl_->on_datagram = std::move(c);
}
void client::on_connect(std::function<void(const server_info&)> c) {
  impl_->on_connect = std::move(c);
}
void client::on_connect_failed(std::function<void(std::error_code)> c) {
  impl_->on_connect_failed = std::move(c);
}
void client::on_disconnect(std::function<void(std::error_code)> c) {
  impl_->on_disconnect = std::move(c);
}

// --- operations ---

client::prepared client::prepare_connect(std::string_view url, connect_options options) {
  prepared o = make_operation(client_operation::kind::connect);
  o->url = url;
  try {
    if (options.tls) o->tls = net::tls_context::load(*options.tls, tls_role::client);
  } catch (const tls_error& e) {
    impl_->log(log_level::error, std::string("client: ") + e.what());
    o->error = connect_errc::tls_failed;
  }
  o->options = std::make_unique<connect_options>(std::move(options));
  return o;
}

client::prepared client::prepare_call(const request& what) {
  return make_request(client_operation::kind::call, to_packet(what), what.timeout);
}

client::prepared client::prepare_ping(std::chrono::milliseconds timeout) {
  packet_view p;
  p.type = packet_type::pingecho;
  return make_request(client_operation::kind::ping, p, timeout);
}

client::prepared client::prepare_subscribe(urls what, bool subscribing,
                                           std::chrono::milliseconds timeout) {
  prepared o = make_operation(subscribing ? client_operation::kind::subscribe
                                          : client_operation::kind::unsubscribe);
  o->timeout = timeout;
  const bool valid = std::all_of(what.list.begin(), what.list.end(),
                                 [](const std::string& url) { return is_valid_url(url); });
  if (!valid) o->error = errc::invalid_url;
  o->urls = std::move(what.list);
  return o;
}

client::prepared client::prepare_unsubscribe_all(std::chrono::milliseconds timeout) {
  packet_view p;
  p.type = packet_type::unsubscribe;
  return make_request(client_operation::kind::unsubscribe_all, p, timeout);
}

namespace detail {

operation_id reserve_operation(client_impl& where, client_operation& what) {
  return where.reserve(what);
}
void launch(const std::shared_ptr<client_impl>& where, client::prepared what, completion done) {
  where->launch(std::move(what), std::move(done));
}
void cancel(const std::weak_ptr<client_impl>& where, operation_id which) {
  if (const auto impl = where.lock()) impl->cancel(which);
}

}  // namespace detail

namespace {

operation_id start(client_impl& where, client::prepared what, completion done) {
  const operation_id id = where.reserve(*what);
  where.launch(std::move(what), std::move(done));
  return id;
}

}  // namespace

operation_id client::start_connect(std::string_view url, connect_options options, completion done) {
  return start(*impl_, prepare_connect(url, std::move(options)), std::move(done));
}
operation_id client::start_connect_over(int socket, std::string_view name, connect_options options,
                                        completion done) {
  prepared o = prepare_connect(name, std::move(options));
  o->socket = net::unique_fd(socket);
  return start(*impl_, std::move(o), std::move(done));
}
operation_id client::start_call(const request& what, completion done) {
  return impl_->start_call(what, std::move(done));
}
operation_id client::start_ping(completion done, std::chrono::milliseconds timeout) {
  return start(*impl_, prepare_ping(timeout), std::move(done));
}
operation_id client::start_subscribe(urls what, completion done,
                                     std::chrono::milliseconds timeout) {
  return start(*impl_, prepare_subscribe(std::move(what), true, timeout), std::move(done));
}
operation_id client::start_unsubscribe(urls what, completion done,
                                       std::chrono::milliseconds timeout) {
  return start(*impl_, prepare_subscribe(std::move(what), false, timeout), std::move(done));
}
operation_id client::start_unsubscribe_all(completion done, std::chrono::milliseconds timeout) {
  return start(*impl_, prepare_unsubscribe_all(timeout), std::move(done));
}
void client::cancel(operation_id which) {
  impl_->cancel(which);
}

// --- without an answer ---

bool client::send_call(const request& what) {
  return impl_->send_unanswered(to_packet(what), channel::normal);
}

bool client::datagram(std::string_view url, payload_view payload, channel via) {
  packet_view p;
  p.type = packet_type::datagram;
  p.url = url;
  p.payload = payload;
  return impl_->send_unanswered(p, via);
}

// --- the connection ---

void client::disconnect() {
  impl_->run([impl = impl_.get()] { impl->disconnect(); });
}
void client::close() {
  impl_->shut_down();
}
void client::start_robot(std::string_view url, robot_options options) {
  std::shared_ptr<const net::tls_context> tls;
  if (options.connect.tls) tls = net::tls_context::load(*options.connect.tls, tls_role::client);
  impl_->post([impl = impl_.get(), url = std::string(url), options = std::move(options),
               tls = std::move(tls)]() mutable {
    impl->start_robot(std::move(url), std::move(options), std::move(tls));
  });
}
bool client::set_turbo(std::chrono::milliseconds turbo) {
  return impl_->set_turbo(turbo);
}
void client::set_tls(const tls_options& tls) {
  auto loaded = net::tls_context::load(tls, tls_role::client);
  impl_->run([impl = impl_.get(), loaded = std::move(loaded)]() mutable {
    impl->set_tls(std::move(loaded));
  });
}
void client::set_send_timeout(std::chrono::milliseconds timeout) {
  impl_->run([impl = impl_.get(), timeout] { impl->set_send_timeout(timeout); });
}
void client::set_linger(std::optional<std::chrono::milliseconds> linger) {
  impl_->run([impl = impl_.get(), linger] { impl->set_linger(linger); });
}

bool client::is_connected() const noexcept {
  return impl_->is_connected();
}
std::optional<server_info> client::info() const {
  return impl_->info();
}
std::optional<certificate_info> client::peer_certificate() const {
  return parse_certificate(impl_->peer_certificate());
}
std::optional<stream_target> client::stream_at(std::uint16_t tunid) const {
  return impl_->stream_at(tunid);
}
stream client::create_stream(std::uint16_t tunid, stream_callbacks callbacks,
                             const stream_options& options) {
  return impl_->create_stream(tunid, std::move(callbacks), options);
}
std::vector<std::string> client::subscriptions() const {
  return impl_->subscriptions();
}
std::size_t client::pendings() const noexcept {
  return impl_->pendings();
}
client_stats client::stats() const {
  return impl_->stats();
}
runtime& client::loops() const noexcept {
  return impl_->loops();
}
std::size_t client::loop() const noexcept {
  return impl_->where().index();
}

}  // namespace vsoa
