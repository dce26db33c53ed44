// SERVINFO: the handshake. Source: the wire notes, lib/README.md, "Handshake".

#include <openssl/crypto.h>

#include <array>

#include "protocol/encoder.hpp"
#include "protocol/param.hpp"
#include "protocol/wire.hpp"
#include "server/server_impl.hpp"
#include "server/session.hpp"
#include "server/shard.hpp"
#include "vsoa/tls.hpp"

namespace vsoa {
namespace {

// Some clients read the answer with one recv() and lose what came with it: everything else waits
// for the client's next packet, or this long.
constexpr std::chrono::milliseconds settle_time{50};

// In constant time for passwords of equal length; the length itself is no secret worth keeping.
bool equal_secret(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

bool session::authenticate(const packet_view& p) {
  const auto credentials = shard_.owner().credentials();
  if (credentials->empty()) return true;
  const auto password = protocol::read_password(p.payload.param);
  // All are compared, so that the time does not tell which one came close.
  const credential* match = nullptr;
  const auto shown = parse_certificate(certificate());
  for (const credential& c : *credentials) {
    const bool by_certificate = !c.certificate.empty();
    const bool by_password = !by_certificate || !c.password.empty();
    bool good = !by_password || (password && equal_secret(c.password, *password));
    if (by_certificate) good = shown && matches(*shown, c.certificate) && good;
    if (good && match == nullptr) match = &c;
  }
  if (match == nullptr) return false;
  role_ = match->role;
  return true;
}

void session::handle_servinfo(const packet_view& p) {
  if (!authenticated_ && !authenticate(p)) return refuse(p);
  authenticated_ = true;
  if (p.has_tunnel() && p.tunid != 0 && origin_.quick) {
    peer_quick_port_.store(p.tunid, std::memory_order_relaxed);
  }
  const bool first = !is_handshaken();

  std::array<std::byte, 6> data;
  protocol::store(data.data(), origin_.id);
  protocol::store(data.data() + 4, origin_.quick_port);
  const bool announce_quick = origin_.quick_port != 0 && origin_.quick_port != origin_.local.port;
  packet_view reply;
  reply.type = packet_type::servinfo;
  reply.flags = packet_flags::reply;
  reply.seqno = p.seqno;
  const auto info = shard_.owner().info();
  reply.payload.param = *info;
  reply.payload.data = std::span(data).first(announce_quick ? 6U : 4U);
  // Who has the answer is known to every thread, counted, and not to be displaced any more.
  if (first) {
    ++shard_.counters().handshakes;
    shard_.owner().gate().passed(origin_.id);
  }
  settle();  // what was published before was not for it
  handshaken_.store(true, std::memory_order_release);
  send_alone(encode(reply, protocol::encoded_bytes(reply)));
  if (!first || !is_open()) return;

  set_packet_limit(max_packet_bytes);
  hold(true);
  set_deadline(std::chrono::steady_clock::now() + settle_time);
  shard_.owner().log(log_level::debug, "client " + std::to_string(origin_.id) + " at " +
                                           origin_.peer.to_string() + ": connected");
  announced_ = true;
  shard_.owner().tell(shard_.owner().on_client, origin_.id, true);
}

}  // namespace vsoa
