#include "server/server_impl.hpp"

#include <sys/random.h>

#include <stdexcept>
#include <system_error>
#include <utility>

#include "protocol/decoder.hpp"
#include "protocol/encoder.hpp"
#include "protocol/param.hpp"
#include "stream/connect.hpp"
#include "vsoa/url.hpp"

namespace vsoa {
namespace {

// Quick datagrams on their way from the socket's loop to the client's: the rest is dropped.
constexpr std::size_t quick_inbox_limit = 4U << 20;

// Of a handshake's answer, beside the client's id and our quick port.
constexpr std::size_t max_info_bytes = max_packet_bytes - header_bytes - 8;

client_id random_id() {
  client_id id = 0;
  while (::getrandom(&id, sizeof id, 0) != sizeof id) {
  }
  return id;
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
      streams_(std::make_shared<stream_registry>(
          stream_registry::limits{options_.limits.streams, options_.limits.streams_per_client})),
      send_timeout_(options_.limits.send_timeout) {
  // Official Node.js clients drop a connection whose handshake brings anything else.
  if (!protocol::is_json(options_.info)) throw std::invalid_argument("server: info is not JSON");
  if (options_.info.size() > max_info_bytes) {
    throw std::invalid_argument("server: info has " + std::to_string(options_.info.size()) +
                                " bytes; at most " + std::to_string(max_info_bytes) +
                                " go into a packet");
  }
  if (has_tls()) tls_ = net::tls_context::load(*options_.tls, tls_role::server);
  set_credentials(std::move(options_.credentials));
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    shards_.push_back(std::make_unique<shard>(*this, loops_.at(i), loops_.size()));
  }
}

server_impl::~server_impl() = default;

void server_impl::log(log_level level, std::string_view line) const {
  if (log_) log_(level, line);
}

shard* server_impl::here() noexcept {
  const net::loop* loop = loops_.here();
  return loop == nullptr ? nullptr : shards_[loop->index()].get();
}

// --- listening ---

// UDP on the port of TCP, as clients expect; with a port of the kernel's choice a few are tried.
socket_address server_impl::listen(const socket_address& address) {
  constexpr int tries = 16;
  endpoint e;
  net::unique_fd udp;
  for (int i = 0; !udp; ++i) {
    e.socket = net::bind_socket(address, SOCK_STREAM);
    e.address = net::local_address(e.socket.get());
    try {
      udp = net::bind_socket(e.address, SOCK_DGRAM);
    } catch (const std::system_error&) {
      if (address.port != 0) throw;
      if (i >= tries) udp = net::bind_socket(address, SOCK_DGRAM);
    }
  }
  e.quick_port = net::local_address(udp.get()).port;
  e.udp = std::move(udp);
  e.where = &loops_.at(endpoints_.size());
  endpoints_.push_back(std::move(e));
  return endpoints_.back().address;
}

void server_impl::start() {
  std::exception_ptr failure;
  for (std::size_t i = 0; i < endpoints_.size() && !failure; ++i) {
    loops_.run_and_wait(*endpoints_[i].where, [this, i, &failure] {
      try {
        if (!stopped_) start_endpoint(i);
      } catch (...) {
        failure = std::current_exception();
      }
    });
  }
  if (failure) std::rethrow_exception(failure);
}

void server_impl::start_endpoint(std::size_t index) {
  endpoint& e = endpoints_[index];
  e.quick = std::make_shared<net::quick_socket>(
      *e.where, std::move(e.udp),
      [this](auto datagram, const socket_address& from, const ip_address&) {
        if (!has_tls()) return quick_arrived(datagram, from);
        // The quick channel is in the clear, so there is none. Its port is bound all the same:
        // official Node.js clients die of a port that is unreachable.
        ++here()->counters().quick_rejected;
      });
  e.tcp = std::make_shared<net::listener>(
      *e.where, std::move(e.socket),
      [this, index](net::unique_fd socket, const socket_address& peer) {
        accept(std::move(socket), peer, index);
      });
  e.quick->start();
  e.tcp->start();
}

std::vector<socket_address> server_impl::addresses() const {
  std::vector<socket_address> result;
  for (const endpoint& e : endpoints_)
    result.push_back(e.address);
  return result;
}

// An id's remainder names its shard, so that finding a client's loop takes no table.
std::optional<client_id> server_impl::admit(const shard& where, const ip_address& ip) {
  const auto count = static_cast<client_id>(shards_.size());
  for (;;) {
    const client_id random = random_id();
    const client_id id = random - random % count + static_cast<client_id>(where.index());
    if (id == 0 || id % count != where.index()) continue;
    const auto verdict = gate_.admit(id, ip);
    if (verdict.id_taken) continue;
    if (verdict.displaced) {
      ++here()->counters().refused;
      close(*verdict.displaced);
    }
    if (!verdict.admitted) return {};
    return id;
  }
}

void server_impl::accept(net::unique_fd socket, const socket_address& peer,
                         std::size_t endpoint_index) {
  const endpoint& e = endpoints_[endpoint_index];
  shard& target = *shards_[next_shard_.fetch_add(1) % shards_.size()];
  const auto id = admit(target, peer.ip);
  if (!id) {
    ++here()->counters().refused;
    net::set_reset_on_close(socket.get());
    return;
  }
  session::origin from;
  from.id = *id;
  from.serial = next_serial();
  from.peer = peer;
  from.local = net::local_address(socket.get());
  if (!has_tls()) from.quick = e.quick;
  from.quick_port = e.quick_port;
  from.authenticated = credentials()->empty();
  if (target.where().is_here()) return target.adopt(std::move(socket), std::move(from));
  target.where().post(
      [self = shared_from_this(), &target, s = std::move(socket), o = std::move(from)]() mutable {
        if (self->stopped_) return self->gate_.gone(o.id);
        target.adopt(std::move(s), std::move(o));
      });
}

void server_impl::quick_arrived(std::span<const std::byte> datagram, const socket_address& from) {
  packet_view p;
  const auto result = protocol::decode_quick(datagram, p);
  shard& local = *here();
  local.counters().received_bytes += datagram.size();
  if (result.state != protocol::decode_state::packet || p.type != packet_type::datagram ||
      p.is_reply()) {
    ++local.counters().quick_rejected;
    return;
  }
  shard& target = shard_of(p.seqno);
  const auto arrive = [](shard& there, const packet_view& packet, const socket_address& sender) {
    if (session* s = there.find(packet.seqno)) {
      s->quick_datagram(packet, sender);
    } else {
      ++there.counters().quick_rejected;
    }
  };
  if (&target == &local) return arrive(target, p, from);
  if (!target.reserve_inbox(datagram.size(), quick_inbox_limit)) {
    ++local.counters().quick_rejected;
    return;
  }
  target.where().post([self = shared_from_this(), &target, from, arrive,
                       bytes = std::vector<std::byte>(datagram.begin(), datagram.end())] {
    packet_view packet;
    protocol::decode_quick(bytes, packet);
    arrive(target, packet, from);
    target.release_inbox(bytes.size());
  });
}

// --- the end ---

void server_impl::run_everywhere(const std::function<void(shard&)>& work) {
  for (const auto& s : shards_)
    loops_.run_and_wait(s->where(), [&] { work(*s); });
}

void server_impl::drain() {
  for (endpoint& e : endpoints_) {
    loops_.run_and_wait(*e.where, [&] {
      if (e.tcp) e.tcp->stop();
      if (e.quick) e.quick->stop();  // it can still send
    });
  }
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
  for (endpoint& e : endpoints_) {
    loops_.run_and_wait(*e.where, [&] {
      if (e.tcp) e.tcp->stop();
      if (e.quick) e.quick->stop();
      e.tcp.reset();
      e.quick.reset();
    });
  }
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

void server_impl::reply_deferred(client_id client, std::uint64_t serial, const packet_view& p) {
  if (stopped_) return;
  shard_of(client).answer(client, serial, p);
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
