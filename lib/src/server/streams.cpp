// Streams for a server's clients: who they are for, and where they listen.
#include <optional>
#include <system_error>
#include <utility>

#include "server/server_impl.hpp"
#include "stream/stream_awaiter.hpp"
#include "stream/stream_connector.hpp"
#include "stream/stream_handover.hpp"
#include "stream/stream_impl.hpp"
#include "stream/stream_listener.hpp"
#include "stream/stream_relay.hpp"

namespace vsoa {
namespace {

struct ends {
  ip_address client, ours;
};

std::optional<ends> ends_of(shard& where, client_id client) {
  std::optional<ends> found;
  const auto look = [&](const session& s) { found = ends{s.peer().ip, s.local().ip}; };
  if (where.where().is_here()) {  // also before its handshake
    if (const session* s = where.find(client)) look(*s);
  } else {
    where.inspect(client, look);
  }
  return found;
}

std::function<void()> canceller(const std::shared_ptr<tunnel>& what) {
  return [weak = std::weak_ptr<tunnel>(what)] {
    const auto still = weak.lock();
    if (still) still->where().post([still] { still->abort_here(); });
  };
}

}  // namespace

/// A place for a stream, and the wait for its client; without the latter the offer says why.
struct server_impl::stream_beginning {
  stream_offer offer;
  stream_registry::place place;
  std::unique_ptr<stream_opener> opener;
  net::loop* where = nullptr;
};

server_impl::stream_beginning server_impl::begin_stream(client_id client,
                                                        std::chrono::milliseconds timeout) {
  stream_beginning b;
  const auto refuse = [&](std::error_code why) {
    b.offer.error = why;
    return std::move(b);
  };
  if (stopped_ || streams_->is_closed()) {
    return refuse(std::make_error_code(std::errc::operation_canceled));
  }
  shard& target = shard_of(client);
  b.where = &target.where();
  const auto found = ends_of(target, client);
  if (!found) return refuse(std::make_error_code(std::errc::not_connected));
  b.place = streams_->reserve(client);
  if (!b.place) return refuse(std::make_error_code(std::errc::no_buffer_space));
  try {
    net::unique_fd socket = stream_listener::bind(found->ours);
    b.offer.tunid = net::local_address(socket.get()).port;
    b.opener = std::make_unique<stream_listener>(*b.where, std::move(socket), found->client,
                                                 timeout, streams_);
  } catch (const std::system_error& e) {
    return refuse(e.code());
  }
  return b;
}

stream_offer server_impl::create_stream(client_id client, stream_callbacks callbacks,
                                        const stream_options& options) {
  stream_beginning b = begin_stream(client, options.timeout);
  if (!b.opener) return b.offer;
  const auto made =
      std::make_shared<stream_impl>(*b.where, std::move(callbacks), options,
                                    stream_security{tls(), {}}, std::move(b.place), streams_);
  made->open(std::move(b.opener));
  b.offer.stream = stream(made);
  return b.offer;
}

stream_offer server_impl::relay_stream(client_id client, const stream_target& upstream,
                                       const stream_options& options) {
  stream_beginning b = begin_stream(client, options.timeout);
  if (!b.opener) return b.offer;
  const auto relay = std::make_shared<stream_relay>(
      *b.where, options, true,
      std::array<stream_security, 2>{stream_security{tls(), {}},
                                     stream_security{upstream.tls, upstream.host}},
      std::move(b.place), streams_);
  relay->open(std::move(b.opener), std::make_unique<stream_connector>(
                                       *b.where, upstream.address, upstream.from, options.timeout));
  return b.offer;
}

stream_offer server_impl::hand_over_stream(client_id client, stream_taker taker,
                                           const stream_options& options) {
  stream_beginning b = begin_stream(client, options.timeout);
  if (!b.opener) return b.offer;
  const auto security = tls();
  if (security == nullptr) {
    const auto made = std::make_shared<stream_handover>(
        *b.where, std::move(taker), options.ends_with_client, std::move(b.place), streams_);
    made->open(std::move(b.opener));
    b.offer.cancel = canceller(made);
    return b.offer;
  }
  const auto relay = std::make_shared<stream_relay>(
      *b.where, options, true, std::array<stream_security, 2>{stream_security{security, {}}, {}},
      std::move(b.place), streams_);
  relay->open(std::move(b.opener),
              std::make_unique<stream_pair_opener>(*b.where, std::move(taker)));
  b.offer.cancel = canceller(relay);
  return b.offer;
}

awaited_stream server_impl::await_stream(std::size_t loop, stream_callbacks callbacks,
                                         const stream_options& options) {
  awaited_stream result;
  auto place = streams_->reserve(0);
  if (stopped_ || !place) return result;
  net::loop& where = shards_[loop % shards_.size()]->where();
  auto opener = std::make_unique<stream_awaiter>(where);
  result.give = opener->entrance();
  const auto made = std::make_shared<stream_impl>(where, std::move(callbacks), options,
                                                  stream_security{}, std::move(place), streams_);
  made->open(std::move(opener));
  result.stream = stream(made);
  return result;
}

}  // namespace vsoa
