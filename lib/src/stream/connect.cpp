#include "stream/connect.hpp"

#include <utility>

#include "stream/stream_connector.hpp"
#include "stream/stream_impl.hpp"

namespace vsoa {

stream connect_stream(net::loop& where, const socket_address& to,
                      const std::optional<ip_address>& from, stream_callbacks callbacks,
                      const stream_options& options, stream_security security,
                      const std::shared_ptr<stream_registry>& owner) {
  auto place = owner->reserve(0);
  if (!place) return {};
  const auto made = std::make_shared<stream_impl>(where, std::move(callbacks), options,
                                                  std::move(security), std::move(place), owner);
  made->open(std::make_unique<stream_connector>(where, to, from, options.timeout));
  return stream(made);
}

void abort_streams(stream_registry& owner, net::loop& where) {
  for (const auto& each : owner.of_loop(where))
    each->abort_here();
}

void close_streams(stream_registry& owner, net::loop& where) {
  for (const auto& each : owner.of_loop(where))
    each->close_here();
}

}  // namespace vsoa
