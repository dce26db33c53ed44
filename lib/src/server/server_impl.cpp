#include "server/server_impl.hpp"

#include <algorithm>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "protocol/encoder.hpp"
#include "protocol/param.hpp"
#include "stream/connect.hpp"
#include "vsoa/url.hpp"

namespace vsoa {
namespace {

// Of a handshake's answer, beside the client's id and our quick port.
constexpr std::size_t max_info_bytes = max_packet_bytes - header_bytes - 8;

// Official Node.js clients drop a connection whose handshake brings anything else.
void check_info(const std::string& info) {
  if (!protocol::is_json(info)) throw std::invalid_argument("server: info is not JSON");
  if (info.size() <= max_info_bytes) return;
  throw std::invalid_argument("server: info has " + std::to_string(info.size()) +
                              " bytes; at most " + std::to_string(max_info_bytes) +
                              " go into a packet");
}

stream_registry::limits stream_limits(const server_limits& l) {
  return {l.streams, l.streams_per_client};
}

packet_view message(packet_type type, std::string_view url, payload_view payload) {
  packet_view p;
  p.type = type;
  p.url = url;
  p.payload = payload;
  return p;
}

bool is_sendable(const packet_view& p, channel via) {
  return is_valid_url(p.url) && protocol::fits(p, via);
}

}  // namespace

server_impl::server_impl(runtime& loops, server_options options)
    : loops_(loops.internals()),
      log_(loops_.log()),
      options_(std::move(options)),
      gate_(options_.limits),
      streams_(std::make_shared<stream_registry>(stream_limits(options_.limits))),
      send_timeout_(options_.limits.send_timeout),
      keepalive_(options_.keepalive) {
  set_info(std::move(options_.info));
  if (has_tls()) tls_ = net::tls_context::load(*options_.tls, tls_role::server);
  set_credentials(std::move(options_.credentials));
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    shards_.push_back(std::make_unique<shard>(*this, loops_.at(i), loops_.size(), options_.limits));
  }
}

server_impl::~server_impl() = default;

void server_impl::set_check_access(server::access_check check) {
  check_access = std::move(check);
  set_access_checked(true);
}

void server_impl::set_access_checked(bool checked) noexcept {
  access_checked_.store(checked && check_access, std::memory_order_relaxed);
}

void server_impl::log(log_level level, std::string_view line) const {
  if (log_) log_(level, line);
}

shard* server_impl::here() noexcept {
  const net::loop* loop = loops_.here();
  return loop == nullptr ? nullptr : shards_[loop->index()].get();
}

// --- the end ---

void server_impl::run_everywhere(const std::function<void(shard&)>& work) {
  for (const auto& s : shards_)
    loops_.run_and_wait(s->where(), [&] { work(*s); });
}

void server_impl::drain() {
  stop_listening();
  run_everywhere([](shard& s) { s.stop_input(); });
  streams_->close();
  run_everywhere([this](shard& s) { close_streams(*streams_, s.where()); });
}

bool server_impl::idle() const {
  for (const auto& s : shards_) {
    const shard_counters& c = s->counters();
    if (c.calls_open != 0 || s->inbox_bytes() != 0 || c.outbox_bytes != 0) return false;
  }
  return streams_->count().queued == 0;
}

void server_impl::stop() {
  if (stopped_.exchange(true)) return;
  close_endpoints();
  streams_->close();
  run_everywhere([this](shard& s) {
    s.close_all();
    abort_streams(*streams_, s.where());
  });
}

// --- commands and credentials ---

bool server_impl::add_command(std::string url, command_table::entry e) {
  if (!is_valid_url(url)) return false;
  const std::lock_guard lock(command_mutex_);
  commands_ = command_table::with(commands_.get(), url, std::move(e));
  spread_commands();
  return true;
}

bool server_impl::set_commands(std::vector<server::command_entry> entries) {
  for (const auto& e : entries) {
    if (!is_valid_url(e.url)) return false;
  }
  const std::lock_guard lock(command_mutex_);
  commands_ = command_table::of(std::move(entries));
  spread_commands();
  return true;
}

// Each loop takes the new table over between two packets; calls under way keep the old one.
void server_impl::spread_commands() {
  for (const auto& s : shards_) {
    s->where().post([self = weak_from_this(), target = s.get(), table = commands_] {
      if (const auto alive = self.lock()) target->set_commands(table);
    });
  }
}

std::shared_ptr<const net::tls_context> server_impl::tls() const {
  if (!has_tls()) return nullptr;
  const std::lock_guard lock(tls_mutex_);
  return tls_;
}

void server_impl::set_tls(const tls_options& options) {
  if (!has_tls()) throw std::logic_error("server: it was made without TLS");
  auto fresh = net::tls_context::load(options, tls_role::server);
  const std::lock_guard lock(tls_mutex_);
  tls_.swap(fresh);
}

void server_impl::set_credentials(std::vector<credential> credentials) {
  auto fresh = std::make_shared<const std::vector<credential>>(std::move(credentials));
  const std::lock_guard lock(credentials_mutex_);
  credentials_ = std::move(fresh);
}

std::shared_ptr<const std::vector<credential>> server_impl::credentials() const {
  const std::lock_guard lock(credentials_mutex_);
  return credentials_;
}

// A session looks at the credentials on its loop alone, so before this or behind it.
void server_impl::credentials_changed(bool close_others) {
  for_all_sessions([now = credentials(), close_others](session& s) {
    if (!s.is_handshaken()) return s.set_authenticated(now->empty());
    if (!close_others || now->empty()) return;
    const bool is_given = std::any_of(now->begin(), now->end(),
                                      [&s](const credential& c) { return c.role == s.role(); });
    if (!is_given) s.disconnect();
  });
}

void server_impl::set_info(std::string json) {
  check_info(json);
  auto fresh = std::make_shared<const std::string>(std::move(json));
  const std::lock_guard lock(info_mutex_);
  info_ = std::move(fresh);
}

std::shared_ptr<const std::string> server_impl::info() const {
  const std::lock_guard lock(info_mutex_);
  return info_;
}

void server_impl::set_limits(const server_limits& limits) {
  gate_.set_limits(limits);
  streams_->set_limits(stream_limits(limits));
  send_timeout_.store(limits.send_timeout);
  for (const auto& s : shards_) {
    s->where().post([self = weak_from_this(), target = s.get(), limits] {
      if (const auto alive = self.lock()) target->set_limits(limits);
    });
  }
}

void server_impl::set_keepalive(std::chrono::seconds idle) {
  keepalive_.store(idle);
  for_all_sessions([idle](session& s) { s.set_keepalive(idle); });
}

// --- messages ---

bool server_impl::publish(std::string_view url, payload_view payload, channel via) {
  return publish(message(packet_type::publish, url, payload), {}, via);
}

void server_impl::relay(const packet_view& datagram, const protocol::packet_train& train,
                        channel via) {
  if (publish(message(packet_type::publish, datagram.url, datagram.payload), train, via)) {
    here()->counters().relayed += train.count;
  }
}

bool server_impl::publish(const packet_view& p, const protocol::packet_train& train, channel via) {
  if (stopped_ || !protocol::fits(p, via)) return false;
  shard* local = here();
  // What the loop is publishing on already has been looked at.
  const bool goes_on = local != nullptr && local->is_publishing_on(p.url);
  if (!goes_on && !is_valid_url(p.url)) return false;
  if (local != nullptr) {
    local->counters().publishes += train.count;
    local->publish_here(p, train, via, goes_on);
  } else {
    shards_.front()->count_publish();
  }
  bool room = true;
  for (const auto& s : shards_) {
    if (s.get() == local || !s->has_subscribers()) continue;
    if (local != nullptr) {
      room = local->publish_there(*s, p, train, via) && room;
    } else {
      room = s->publish_from_outside(p, via) && room;
    }
  }
  return room;
}

bool server_impl::publish_to(client_id client, std::string_view url, payload_view payload,
                             channel via) {
  const packet_view p = message(packet_type::publish, url, payload);
  return is_sendable(p, via) && shard_of(client).send_to(client, p, via);
}

bool server_impl::datagram(client_id client, std::string_view url, payload_view payload,
                           channel via) {
  const packet_view p = message(packet_type::datagram, url, payload);
  return is_sendable(p, via) && shard_of(client).send_to(client, p, via);
}

void server_impl::reply_deferred(client_id client, std::uint64_t serial, std::uint32_t seqno,
                                 status s, const payload_view& payload, std::uint16_t tunid) {
  if (stopped_) return;
  shard_of(client).answer(client, serial, seqno, s, payload, tunid);
}

void server_impl::drop_deferred(client_id client, std::uint64_t serial) {
  if (stopped_) return;
  shard& target = shard_of(client);
  const auto drop = [&target, client, serial] {
    if (session* s = target.find(client, serial)) s->call_ended();
  };
  if (target.where().is_here()) return drop();
  target.where().post([self = shared_from_this(), drop] { drop(); });
}

bool server_impl::change(client_id client, std::function<void(session&)> work) {
  if (stopped_) return false;
  shard& target = shard_of(client);
  if (target.where().is_here()) {
    session* s = target.find(client);
    if (s == nullptr || !s->is_handshaken()) return false;
    work(*s);
    return true;
  }
  if (!target.inspect(client, [](const session&) {})) return false;
  target.where().post([self = shared_from_this(), &target, client, w = std::move(work)] {
    if (session* s = target.find(client)) w(*s);
  });
  return true;
}

bool server_impl::close(client_id client) {
  if (stopped_) return false;
  shard& target = shard_of(client);
  target.where().post([self = shared_from_this(), &target, client] {
    if (session* s = target.find(client)) {
      s->disconnect();
    } else {
      target.abandon(client);
    }
  });
  return true;
}

void server_impl::for_all_sessions(std::function<void(session&)> work) {
  for (const auto& s : shards_) {
    s->where().post(
        [self = shared_from_this(), target = s.get(), work] { target->for_each(work); });
  }
}

}  // namespace vsoa
