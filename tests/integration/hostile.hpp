// What the hostile tests share: a daemon with small limits, a client that behaves, and the demand
// that the first serves the second within a second all along, in bounded memory.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "daemon_runner.hpp"
#include "healthy_client.hpp"
#include "peer.hpp"

namespace vsoa_test {

struct siege {
  daemon_runner vsoad;
  endpoint server;
  healthy_client healthy;
  std::size_t resident_before;

  explicit siege(const std::string& service_rest = {})
      : vsoad(one_service(service_rest)),
        server(vsoad.service()),
        healthy(server),
        resident_before(settled_memory()) {}

  ~siege() {
    const auto report = healthy.stop();
    INFO("the healthy client: " << report.text());
    CHECK(report.content());
    CHECK(vsoad.running());
  }
  siege(const siege&) = delete;
  siege& operator=(const siege&) = delete;

  /// A second client, who comes now, is welcome.
  void newcomer_is_served() {
    tcp_peer client{server};
    client.handshake();
    CHECK(client.ask(rpc(1, "/echo", "\"new\"")).param == "\"new\"");
  }

  /// Resident memory has not grown by more than this. Sanitizers keep what is freed: not asked
  /// there.
  void grew_at_most(std::size_t bytes) const {
    if (sanitized) return;
    const std::size_t now = vsoad.resident_bytes();
    INFO("resident memory grew from " << resident_before << " to " << now << " bytes");
    CHECK(now <= resident_before + bytes);
  }

 private:
  std::size_t settled_memory() {
    // Once it has served, what serving needs is there.
    wait_until([this] { return healthy.answers() >= 5; });
    return vsoad.resident_bytes();
  }
};

inline constexpr std::size_t kibibyte = 1024;
inline constexpr std::size_t mebibyte = 1024 * kibibyte;

}  // namespace vsoa_test
