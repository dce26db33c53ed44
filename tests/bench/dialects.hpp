// The protocols of the brokers that vsoad is compared with, as far as the load needs them. Each
// is told in terms of VSOA: what its scanner finds comes as a frame, an answer as an RPC, a
// delivery as a publish, so that the load side's loops and checks are the same for all.
#pragma once

#include <string>
#include <string_view>

#include "frame_scanner.hpp"
#include "servers.hpp"
#include "session.hpp"
#include "stream_scanner.hpp"

namespace bench {

struct vsoa_dialect {
  using scanner = frame_scanner;
  static session open(const address& at) { return open_session(at); }
  static void subscribe(const session& on, std::string_view url) { bench::subscribe(on, url); }
  static std::string request(std::uint32_t seqno, std::string_view url, std::string_view payload);
  static std::string publish(std::string_view url, std::string_view payload);
};

/// Redis: ECHO, SUBSCRIBE, PUBLISH.
struct resp_dialect {
  static message parse(const std::uint8_t* at, std::size_t bytes);
  using scanner = stream_scanner<&resp_dialect::parse>;
  static session open(const address& at);
  static void subscribe(const session& on, std::string_view url);
  static std::string request(std::uint32_t seqno, std::string_view url, std::string_view payload);
  static std::string publish(std::string_view url, std::string_view payload);
};

/// NATS: SUB, PUB.
struct nats_dialect {
  static message parse(const std::uint8_t* at, std::size_t bytes);
  using scanner = stream_scanner<&nats_dialect::parse>;
  static session open(const address& at);
  static void subscribe(const session& on, std::string_view url);
  static std::string publish(std::string_view url, std::string_view payload);
};

/// MQTT 3.1.1, QoS 0.
struct mqtt_dialect {
  static message parse(const std::uint8_t* at, std::size_t bytes);
  using scanner = stream_scanner<&mqtt_dialect::parse>;
  static session open(const address& at);
  static void subscribe(const session& on, std::string_view url);
  static std::string publish(std::string_view url, std::string_view payload);
};

/// work(dialect) for what a server that publishes speaks.
template <class Work>
auto with_publish_dialect(protocol spoken, Work&& work) {
  if (spoken == protocol::resp) return work(resp_dialect());
  if (spoken == protocol::nats) return work(nats_dialect());
  if (spoken == protocol::mqtt) return work(mqtt_dialect());
  return work(vsoa_dialect());
}

/// work(dialect) for what a server that answers requests speaks.
template <class Work>
auto with_request_dialect(protocol spoken, Work&& work) {
  if (spoken == protocol::resp) return work(resp_dialect());
  return work(vsoa_dialect());
}

}  // namespace bench
