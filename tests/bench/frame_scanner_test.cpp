#include "frame_scanner.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace frame_scanner_test {

const std::uint8_t* bytes_of(const std::string& text) {
  return reinterpret_cast<const std::uint8_t*>(text.data());
}

std::string stream_of(std::uint32_t packets) {
  std::string stream;
  for (std::uint32_t i = 0; i < packets; ++i) {
    const std::string payload = bench::build_payload(i, 4 + i % 40);
    stream +=
        bench::build_packet({bench::packet_type::publish, i, 0, i % 2 ? "/a" : "", {}, payload});
  }
  stream += bench::build_packet({bench::packet_type::rpc, packets, 0, "/none", {}, {}});
  return stream;
}

TEST_CASE("packet: the worked example of the protocol's wire notes") {
  const std::string packet =
      bench::build_packet({bench::packet_type::rpc, 2, 0, "/echo", "{\"a\":1}", {}});
  const std::string expected(
      "\x29\x01\x00\x00\x00\x00\x00\x02\x00\x00\x00\x05\x00\x00\x00\x07"
      "\x00\x00\x00\x00/echo{\"a\":1}",
      32);
  CHECK(packet == expected);
}

TEST_CASE("packet: the pad makes a multiple of four and stands in the flags") {
  const std::string packet = bench::build_packet({bench::packet_type::rpc, 1, 9, "/abc", {}, "x"});
  CHECK(packet.size() == 28);
  CHECK(static_cast<std::uint8_t>(packet[2]) == (bench::flag_tunnel | 3U << 6));
  const bench::packet_header header = bench::parse_header(bytes_of(packet));
  CHECK(header.total_bytes == 28);
  CHECK(header.data_offset() == 24);
}

TEST_CASE("frame scanner: every split gives the same packets") {
  const std::string stream = stream_of(50);
  for (std::size_t step = 1; step < 400; ++step) {
    bench::frame_scanner scanner(step % 2 == 0);
    std::uint32_t seen = 0;
    for (std::size_t at = 0; at < stream.size(); at += step / 2 + 1) {
      scanner.feed(bytes_of(stream) + at, std::min(step / 2 + 1, stream.size() - at),
                   [&](const bench::frame& each) {
                     REQUIRE(each.header.seqno == seen);
                     REQUIRE(each.index == (seen < 50 ? seen : 0));
                     ++seen;
                   });
    }
    REQUIRE(seen == 51);
  }
}

TEST_CASE("frame scanner: a changed payload and foreign bytes are noticed") {
  const auto ignore = [](const bench::frame&) {};
  std::string packet =
      bench::build_packet({bench::packet_type::rpc, 1, 0, "/e", {}, bench::build_payload(1, 64)});
  packet[60] = static_cast<char>(packet[60] ^ 1);
  CHECK_THROWS(bench::frame_scanner(true).feed(bytes_of(packet), packet.size(), ignore));
  CHECK_NOTHROW(bench::frame_scanner(false).feed(bytes_of(packet), packet.size(), ignore));
  packet[0] = 'H';
  CHECK_THROWS(bench::frame_scanner(false).feed(bytes_of(packet), packet.size(), ignore));
}

}  // namespace frame_scanner_test
