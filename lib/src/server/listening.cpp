// Where a server is reached: its addresses, who is let in by them, and what comes by UDP.

#include <fcntl.h>
#include <sys/random.h>

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

#include "protocol/decoder.hpp"
#include "server/server_impl.hpp"

namespace vsoa {
namespace {

// Quick datagrams on their way from the socket's loop to the client's: the rest is dropped.
constexpr std::size_t quick_inbox_limit = 4U << 20;

client_id random_id() {
  client_id id = 0;
  while (::getrandom(&id, sizeof id, 0) != sizeof id) {
  }
  return id;
}

struct socket_pair {
  net::unique_fd tcp, udp;
};

// UDP on the port of TCP, as clients expect; with a port of the kernel's choice a few are tried.
socket_pair bind_both(const socket_address& address) {
  constexpr int tries = 16;
  socket_pair both;
  for (int i = 0; !both.udp; ++i) {
    both.tcp = net::bind_socket(address, SOCK_STREAM);
    try {
      both.udp = net::bind_socket(net::local_address(both.tcp.get()), SOCK_DGRAM);
    } catch (const std::system_error&) {
      if (address.port != 0) throw;
      if (i >= tries) both.udp = net::bind_socket(address, SOCK_DGRAM);
    }
  }
  return both;
}

}  // namespace

bound_sockets bind_sockets(const socket_address& address, bound_sockets have) {
  if (have.tcp < 0 && have.udp < 0) {
    socket_pair both = bind_both(address);
    return {both.tcp.release(), both.udp.release()};
  }
  bound_sockets missing;
  if (have.tcp < 0) missing.tcp = net::bind_socket(address, SOCK_STREAM).release();
  if (have.udp < 0) missing.udp = net::bind_socket(address, SOCK_DGRAM).release();
  return missing;
}

struct server_impl::endpoint {
  socket_address address;
  std::uint16_t quick_port = 0;
  net::loop* where = nullptr;
  net::unique_fd socket, udp;  // until it is started
  // From then on, on its loop's thread:
  std::shared_ptr<net::listener> tcp;
  std::shared_ptr<net::quick_socket> quick;
};

// --- addresses ---

socket_address server_impl::listen(const socket_address& address) {
  socket_pair both = bind_both(address);
  return add_endpoint(std::move(both.tcp), std::move(both.udp));
}

socket_address server_impl::listen(bound_sockets sockets) {
  socket_pair both{net::unique_fd(sockets.tcp), net::unique_fd(sockets.udp)};
  net::prepare_bound(both.tcp.get(), SOCK_STREAM);
  net::prepare_bound(both.udp.get(), SOCK_DGRAM);
  return add_endpoint(std::move(both.tcp), std::move(both.udp));
}

socket_address server_impl::add_endpoint(net::unique_fd tcp, net::unique_fd udp) {
  const auto e = std::make_shared<endpoint>();
  e->address = net::local_address(tcp.get());
  e->quick_port = net::local_address(udp.get()).port;
  e->socket = std::move(tcp);
  e->udp = std::move(udp);
  bool starts = false;
  {
    const std::lock_guard lock(endpoints_mutex_);
    e->where = &loops_.at(next_endpoint_++);
    endpoints_.push_back(e);
    starts = started_;
  }
  if (starts) start_and_wait(e);
  return e->address;
}

void server_impl::start() {
  {
    const std::lock_guard lock(endpoints_mutex_);
    started_ = true;
  }
  for (const auto& e : endpoints())
    start_and_wait(e);
}

void server_impl::start_and_wait(const std::shared_ptr<endpoint>& e) {
  std::exception_ptr failure;
  loops_.run_and_wait(*e->where, [&] {
    try {
      if (!stopped_) start_endpoint(*e);
    } catch (...) {
      failure = std::current_exception();
    }
  });
  if (failure) std::rethrow_exception(failure);
}

void server_impl::start_endpoint(endpoint& e) {
  e.quick = std::make_shared<net::quick_socket>(
      *e.where, std::move(e.udp),
      [this](auto datagram, const socket_address& from, const ip_address&) {
        if (!has_tls()) return quick_arrived(datagram, from);
        // The quick channel is in the clear, so there is none. Its port is bound all the same:
        // official Node.js clients die of a port that is unreachable.
        ++here()->counters().quick_rejected;
      });
  e.tcp = std::make_shared<net::listener>(
      *e.where, std::move(e.socket), [this, &e](net::unique_fd socket, const socket_address& peer) {
        accept(std::move(socket), peer, e);
      });
  e.quick->start();
  e.tcp->start();
}

std::vector<std::shared_ptr<server_impl::endpoint>> server_impl::endpoints() const {
  const std::lock_guard lock(endpoints_mutex_);
  return endpoints_;
}

std::vector<socket_address> server_impl::addresses() const {
  std::vector<socket_address> result;
  for (const auto& e : endpoints())
    result.push_back(e->address);
  return result;
}

// A draining server still sends by UDP.
void server_impl::stop_listening() {
  for (const auto& e : endpoints()) {
    loops_.run_and_wait(*e->where, [&] {
      if (e->tcp) e->tcp->stop();
      if (e->quick) e->quick->stop();
    });
  }
}

void server_impl::close_endpoints() {
  for (const auto& e : endpoints())
    close_endpoint(*e);
}

void server_impl::close_endpoint(endpoint& e) {
  loops_.run_and_wait(*e.where, [&] {
    if (e.tcp) e.tcp->stop();
    if (e.quick) e.quick->stop();
    e.tcp.reset();
    e.quick.reset();
    e.socket = {};
    e.udp = {};
  });
}

// Sessions would keep the UDP port bound: it may be wanted elsewhere.
bool server_impl::close_listener(const socket_address& address) {
  std::shared_ptr<endpoint> e;
  {
    const std::lock_guard lock(endpoints_mutex_);
    const auto found = std::find_if(endpoints_.begin(), endpoints_.end(),
                                    [&](const auto& each) { return each->address == address; });
    if (found == endpoints_.end()) return false;
    e = *found;
    endpoints_.erase(found);
  }
  // First nobody more comes, so that nobody gets the quick channel behind our back.
  const net::quick_socket* quick = nullptr;
  loops_.run_and_wait(*e->where, [&] {
    if (e->tcp) e->tcp->stop();
    quick = e->quick.get();
  });
  if (quick != nullptr) {
    run_everywhere([quick](shard& s) {
      s.quick().flush();
      s.for_each([quick](session& each) { each.lose_quick(*quick); });
    });
  }
  close_endpoint(*e);
  return true;
}

// --- who comes ---

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

void server_impl::accept(net::unique_fd socket, const socket_address& peer, const endpoint& e) {
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
  if (target.where().is_here()) return target.adopt(std::move(socket), std::move(from));
  target.where().post(
      [self = shared_from_this(), &target, s = std::move(socket), o = std::move(from)]() mutable {
        if (self->stopped_) return self->gate_.gone(o.id);
        target.adopt(std::move(s), std::move(o));
      });
}

void server_impl::adopt(net::unique_fd socket, std::size_t loop) {
  shard& target = *shards_[loop % shards_.size()];
  target.where().post([self = shared_from_this(), &target, s = std::move(socket)]() mutable {
    if (!self->stopped_) self->adopt_here(std::move(s), target);
  });
}

void server_impl::adopt_here(net::unique_fd socket, shard& target) {
  (void)::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  session::origin from;
  from.peer = net::peer_address(socket.get());
  from.local = net::local_address(socket.get());
  const auto id = admit(target, from.peer.ip);
  if (!id) {
    ++target.counters().refused;
    return;
  }
  from.id = *id;
  from.serial = next_serial();
  target.adopt(std::move(socket), std::move(from));
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

}  // namespace vsoa
