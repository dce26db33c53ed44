// Streams for a server's clients: who they are for, and where they listen.
#include <optional>
#include <system_error>
#include <utility>

#include "server/server_impl.hpp"
#include "stream/stream_connector.hpp"
#include "stream/stream_impl.hpp"
#include "stream/stream_listener.hpp"
#include "stream/stream_relay.hpp"

namespace vsoa {
namespace {

struct ends {
  ip_address client, ours;
};

std::optional<ends> ends_of(const shard& where, client_id client, bool is_here) {
  std::optional<ends> found;
  const auto look = [&](const session& s) { found = ends{s.peer().ip, s.local().ip}; };
  if (is_here) {  // also before its handshake
    if (const session* s = where.find(client)) look(*s);
  } else {
    where.inspect(client, look);
  }
  return found;
}

stream_offer refusal(std::error_code why) {
  stream_offer offer;
  offer.error = why;
  return offer;
}

}  // namespace

/// What is made of a place and a way to the client: a stream, or a relay.
struct stream_maker {
  std::function<stream(net::loop&, stream_registry::place, std::unique_ptr<stream_opener>)> make;
};

stream_offer server_impl::offer_stream(client_id client, const stream_options& options,
                                       const stream_maker& maker) {
  if (stopped_ || streams_->is_closed()) {
    return refusal(std::make_error_code(std::errc::operation_canceled));
  }
  shard& target = shard_of(client);
  const auto found = ends_of(target, client, target.where().is_here());
  if (!found) return refusal(std::make_error_code(std::errc::not_connected));
  auto place = streams_->reserve(client);
  if (!place) return refusal(std::make_error_code(std::errc::no_buffer_space));
  stream_offer offer;
  try {
    net::unique_fd socket = stream_listener::bind(found->ours);
    offer.tunid = net::local_address(socket.get()).port;
    offer.stream =
        maker.make(target.where(), std::move(place),
                   std::make_unique<stream_listener>(target.where(), std::move(socket),
                                                     found->client, options.timeout, streams_));
  } catch (const std::system_error& e) {
    return refusal(e.code());
  }
  return offer;
}

stream_offer server_impl::create_stream(client_id client, stream_callbacks callbacks,
                                        const stream_options& options) {
  const stream_maker maker{
      [&](net::loop& where, stream_registry::place place, std::unique_ptr<stream_opener> opener) {
        const auto made = std::make_shared<stream_impl>(where, std::move(callbacks), options,
                                                        std::move(place), streams_);
        made->open(std::move(opener));
        return stream(made);
      }};
  return offer_stream(client, options, maker);
}

stream_offer server_impl::relay_stream(client_id client, const socket_address& upstream,
                                       const stream_options& options) {
  const stream_maker maker{[&](net::loop& where, stream_registry::place place,
                               std::unique_ptr<stream_opener> opener) {
    const auto relay = std::make_shared<stream_relay>(
        where, options.ends_with_client, options.keepalive, std::move(place), streams_);
    relay->open(std::move(opener),
                std::make_unique<stream_connector>(where, upstream, std::nullopt, options.timeout));
    return stream();
  }};
  return offer_stream(client, options, maker);
}

}  // namespace vsoa
