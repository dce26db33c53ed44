#include "protocol/encoder.hpp"

#include <doctest/doctest.h>

#include <random>

#include "protocol/decoder.hpp"
#include "support.hpp"

namespace encoder_test {

using namespace vsoa_test;
using namespace vsoa::protocol;
using vsoa::channel;

packet with_data(std::size_t bytes) {
  packet p;
  p.data.assign(bytes, 'd');
  return p;
}

bool fits_on(const packet& p, channel via) {
  return fits(to_view(p), via);
}

TEST_CASE("the example of the wire notes") {
  packet p = rpc(2, "/echo", R"({"a":1})");
  CHECK(to_hex(encode(to_view(p))) ==
        "290100000000000200000005000000070000000"
        "0"
        "2f6563686f7b2261223a317d");
}

TEST_CASE("pad makes every total a multiple of 4, in zeros") {
  for (std::size_t bytes = 0; bytes < 9; ++bytes) {
    const packet p = with_data(bytes);
    const std::string out = encode(to_view(p));
    CAPTURE(bytes);
    CHECK(out.size() % 4 == 0);
    CHECK(out.size() - 20 - bytes < 4);
    CHECK(out == p.bytes());
  }
}

TEST_CASE("reserved flag bits are not sent") {
  packet p;
  p.flags = 0xFF;
  CHECK(static_cast<unsigned char>(encode(to_view(p))[2]) == 0x07);
}

TEST_CASE("limits of the normal channel") {
  CHECK(fits_on(with_data(262144 - 20), channel::normal));
  CHECK_FALSE(fits_on(with_data(262144 - 20 + 1), channel::normal));
  CHECK(encoded_bytes(to_view(with_data(262144 - 20 - 3))) == 262144);
}

TEST_CASE("limits of the quick channel: 65504, since totals are multiples of 4") {
  CHECK(fits_on(with_data(65504 - 20), channel::quick));
  for (std::size_t more = 1; more <= 4; ++more)
    CHECK_FALSE(fits_on(with_data(65504 - 20 + more), channel::quick));
}

TEST_CASE("a URL has at most 65535 bytes") {
  packet p;
  p.url = "/" + std::string(65534, 'u');
  CHECK(fits_on(p, channel::normal));
  CHECK(same(to_packet([&] {
               static std::string bytes;
               bytes = encode(to_view(p));
               vsoa::packet_view v;
               REQUIRE(decode(as_bytes(bytes), v).state == decode_state::packet);
               return v;
             }()),
             p));
  p.url += 'u';
  CHECK_FALSE(fits_on(p, channel::normal));
}

TEST_CASE("sizes near the top of size_t don't wrap into something that fits") {
  vsoa::packet_view v;
  v.payload.param = {static_cast<const char*>(nullptr), ~std::size_t{0} - 8};
  CHECK_FALSE(fits(v, channel::normal));
  v.payload.param = {};
  v.payload.data = {static_cast<const std::byte*>(nullptr), ~std::size_t{0} - 8};
  CHECK_FALSE(fits(v, channel::normal));
}

class random_packets {
 public:
  packet next() {
    packet p;
    p.type = static_cast<std::uint8_t>(random_());
    p.flags = static_cast<std::uint8_t>(random_() & 7);
    p.status = static_cast<std::uint8_t>(random_());
    p.seqno = static_cast<std::uint32_t>(random_());
    p.tunid = static_cast<std::uint16_t>(random_());
    p.url = text(70);
    p.param = text(300);
    p.data = text(random_() % 16 == 0 ? 20000 : 300);
    return p;
  }

 private:
  std::string text(std::size_t bound) {
    std::string bytes(random_() % 4 == 0 ? 0 : random_() % bound, '\0');
    for (char& c : bytes)
      c = static_cast<char>(random_());
    return bytes;
  }
  std::mt19937_64 random_{20240607};
};

TEST_CASE("what is encoded is decoded, and as others encode it") {
  random_packets source;
  for (int i = 0; i < 2000; ++i) {
    const packet p = source.next();
    const std::string bytes = encode(to_view(p));
    REQUIRE(bytes == p.bytes());
    vsoa::packet_view view;
    const auto result = decode(as_bytes(bytes), view);
    REQUIRE(result.state == decode_state::packet);
    REQUIRE(result.bytes == bytes.size());
    REQUIRE(same(to_packet(view), p));
    REQUIRE(decode_quick(as_bytes(bytes), view).state == decode_state::packet);
    REQUIRE(same(to_packet(view), p));
  }
}

TEST_CASE("the parts of a packet are its bytes") {
  for (const std::string_view param : {"", "{}", "{\"a\":1}"}) {
    for (const std::size_t size : {0U, 1U, 2U, 3U, 1000U}) {
      const std::vector<std::byte> data(size, std::byte{7});
      vsoa::packet_view p;
      p.type = vsoa::packet_type::rpc;
      p.flags = vsoa::packet_flags::reply | vsoa::packet_flags::tunnel;
      p.status = 3;
      p.seqno = 12345;
      p.tunid = 77;
      p.url = "/a/b";
      p.payload = {param, data};
      std::vector<std::byte> whole(vsoa::protocol::encoded_bytes(p));
      vsoa::protocol::encode(p, whole.data());
      std::vector<std::byte> joined;
      vsoa::protocol::packet_parts parts(vsoa::protocol::head_of(p), p.url, p.payload);
      for (const iovec& part : parts.parts()) {
        const auto* const bytes = static_cast<const std::byte*>(part.iov_base);
        joined.insert(joined.end(), bytes, bytes + part.iov_len);
      }
      CHECK((joined == whole));
    }
  }
}

}  // namespace encoder_test
