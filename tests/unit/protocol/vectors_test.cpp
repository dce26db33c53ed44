// Every captured packet through the codec, both ways.

#include <doctest/doctest.h>

#include "protocol/decoder.hpp"
#include "protocol/packet_reader.hpp"
#include "support.hpp"
#include "vectors.hpp"

namespace vectors_test {

using namespace vsoa_test;
using namespace vsoa::protocol;

TEST_CASE("every file has the packets it should") {
  std::size_t quick = 0;
  std::size_t large = 0;
  for (const vector_file& file : vector_files) {
    CAPTURE(file.name);
    const auto vectors = load_vectors(file.name);
    CHECK(vectors.size() == file.count);
    for (const vector& v : vectors) {
      quick += v.quick ? 1 : 0;
      large += v.bytes.size() > 4096 ? 1 : 0;
    }
  }
  CHECK(quick == 32);
  CHECK(large == 12);
  CHECK(load_all_vectors().size() == 495);
}

TEST_CASE("the decoder reads what official peers sent") {
  for (const vector& v : load_all_vectors()) {
    CAPTURE(v.name);
    vsoa::packet_view view;
    const auto result =
        v.quick ? decode_quick(as_bytes(v.bytes), view) : decode(as_bytes(v.bytes), view);
    REQUIRE(result.state == decode_state::packet);
    CHECK(result.bytes == v.bytes.size());
    CHECK(same(to_packet(view), v.decoded));
  }
}

TEST_CASE("the encoder writes what official peers sent, but for the value of pad bytes") {
  for (const vector& v : load_all_vectors()) {
    CAPTURE(v.name);
    const std::string bytes = encode(to_view(v.decoded));
    REQUIRE(bytes.size() == v.bytes.size());
    const std::size_t unpadded = bytes.size() - v.pad;
    CHECK(bytes.substr(0, unpadded) == v.bytes.substr(0, unpadded));
    CHECK(bytes.substr(unpadded) == std::string(v.pad, '\0'));
    CHECK(fits(to_view(v.decoded), v.quick ? vsoa::channel::quick : vsoa::channel::normal));
  }
}

TEST_CASE("all that real servers answered to strange input can be read") {
  const auto answers = load_exchange_answers();
  CHECK(answers.size() == 164);
  std::size_t packets = 0;
  for (const std::string& answer : answers) {
    CAPTURE(to_hex(answer));
    packet_reader reader;
    const auto state = reader.feed(as_bytes(answer), [&](const vsoa::packet_view&) {
      ++packets;
      return packet_reader::next::packet;
    });
    CHECK(state == packet_reader::state::reading);
    CHECK(reader.kept() == 0);
  }
  CHECK(packets >= answers.size());
}

}  // namespace vectors_test
