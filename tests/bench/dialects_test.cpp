#include "dialects.hpp"

#include <doctest/doctest.h>

#include <vector>

namespace dialects_test {

const std::uint8_t* bytes_of(const std::string& text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

std::string payload(std::uint32_t index) {
  return bench::build_payload(index, 40);
}

// Feeds a stream in two pieces, cut at each byte in turn, and expects messages 0, 1 and 2.
template <class Scanner>
void check_every_cut(const std::string& stream, bench::packet_type type) {
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Scanner scanner(true);
    std::uint32_t next = 0;
    const auto sink = [&](const bench::frame& found) {
      CHECK(found.header.type == static_cast<std::uint8_t>(type));
      CHECK(found.header.data_bytes == 40);
      CHECK(found.index == next++);
    };
    scanner.feed(bytes_of(stream), cut, sink);
    scanner.feed(bytes_of(stream) + cut, stream.size() - cut, sink);
    CHECK(next == 3);
  }
}

TEST_CASE("dialects: Redis answers and deliveries, in pieces") {
  std::string answers;
  std::string deliveries;
  for (std::uint32_t i = 0; i < 3; ++i) {
    answers += ":1\r\n$40\r\n" + payload(i) + "\r\n";
    deliveries += "*3\r\n$7\r\nmessage\r\n$5\r\n/load\r\n$40\r\n" + payload(i) + "\r\n";
  }
  check_every_cut<bench::resp_dialect::scanner>(answers, bench::packet_type::rpc);
  check_every_cut<bench::resp_dialect::scanner>(deliveries, bench::packet_type::publish);
}

TEST_CASE("dialects: NATS deliveries, in pieces, among other lines") {
  std::string stream;
  for (std::uint32_t i = 0; i < 3; ++i)
    stream += "PING\r\nMSG /load 1 40\r\n" + payload(i) + "\r\n";
  check_every_cut<bench::nats_dialect::scanner>(stream, bench::packet_type::publish);
}

TEST_CASE("dialects: MQTT deliveries, in pieces; a long one has a longer head") {
  std::string stream;
  for (std::uint32_t i = 0; i < 3; ++i)
    stream += bench::mqtt_dialect::publish("/load", payload(i));
  check_every_cut<bench::mqtt_dialect::scanner>(stream, bench::packet_type::publish);
  const std::string big = bench::mqtt_dialect::publish("/load", std::string(65536, 'x'));
  const bench::message found = bench::mqtt_dialect::parse(bytes_of(big), big.size());
  CHECK(found.total_bytes == big.size());
  CHECK(found.payload_bytes == 65536);
  CHECK(found.payload_offset == 11);
}

TEST_CASE("dialects: a refusal and a changed payload are no answers") {
  const auto ignore = [](const bench::frame&) {};
  const std::string refused = "-ERR unknown\r\n";
  bench::resp_dialect::scanner resp(true);
  CHECK_THROWS(resp.feed(bytes_of(refused), refused.size(), ignore));
  std::string changed = bench::mqtt_dialect::publish("/load", payload(0));
  changed.back() = static_cast<char>(changed.back() + 1);
  bench::mqtt_dialect::scanner mqtt(true);
  CHECK_THROWS(mqtt.feed(bytes_of(changed), changed.size(), ignore));
}

}  // namespace dialects_test
