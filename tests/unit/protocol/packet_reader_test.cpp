// Streams of packets cut in every way.

#include "protocol/packet_reader.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "support.hpp"
#include "vectors.hpp"

namespace packet_reader_test {

using namespace vsoa_test;
using namespace vsoa::protocol;
using next = packet_reader::next;
using state = packet_reader::state;

// Collects packets; `wanted` says what it asks for after each.
struct collector {
  std::vector<packet> packets;
  std::vector<next> wanted;  // by packet; packet when exhausted

  next operator()(const vsoa::packet_view& v) {
    packets.push_back(to_packet(v));
    return packets.size() <= wanted.size() ? wanted[packets.size() - 1] : next::packet;
  }
};

bool same_packets(const std::vector<packet>& a, const std::vector<packet>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), same);
}

std::vector<packet> small_vectors() {
  std::vector<packet> result;
  for (const vector& v : load_all_vectors()) {
    if (v.bytes.size() <= 4096) result.push_back(v.decoded);
  }
  return result;
}

std::string concatenate(const std::vector<packet>& packets) {
  std::string stream;
  for (const packet& p : packets)
    stream += p.bytes();
  return stream;
}

TEST_CASE("each captured packet, cut in two at every byte") {
  for (const packet& p : small_vectors()) {
    const std::string bytes = p.bytes();
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      packet_reader reader;
      collector got;
      REQUIRE(reader.feed(as_bytes(bytes).first(cut), got) == state::reading);
      REQUIRE(got.packets.size() == (cut == bytes.size() ? 1 : 0));
      REQUIRE(reader.kept() == (cut == bytes.size() ? 0 : cut));
      REQUIRE(reader.feed(as_bytes(bytes).subspan(cut), got) == state::reading);
      REQUIRE(got.packets.size() == 1);
      REQUIRE(same(got.packets[0], p));
      REQUIRE(reader.kept() == 0);
    }
  }
}

TEST_CASE("all captured packets as one stream, byte by byte") {
  const auto packets = small_vectors();
  const std::string stream = concatenate(packets);
  packet_reader reader;
  collector got;
  for (std::size_t i = 0; i < stream.size(); ++i)
    reader.feed(as_bytes(stream).subspan(i, 1), got);
  CHECK(same_packets(got.packets, packets));
  CHECK(reader.kept() == 0);
}

TEST_CASE("all captured packets as one stream, in random pieces") {
  std::vector<packet> packets;
  for (const vector& v : load_all_vectors())
    packets.push_back(v.decoded);
  const std::string stream = concatenate(packets);
  std::mt19937 random(7);
  for (const std::size_t largest : {2U, 19U, 21U, 100U, 5000U, 300000U}) {
    CAPTURE(largest);
    packet_reader reader;
    collector got;
    bool goes_on = true;
    for (std::size_t at = 0; at < stream.size() && goes_on;) {
      const std::size_t count = std::min<std::size_t>(1 + random() % largest, stream.size() - at);
      goes_on = reader.feed(as_bytes(stream).subspan(at, count), got) == state::reading;
      at += count;
    }
    CHECK(goes_on);
    CHECK(same_packets(got.packets, packets));
    CHECK(reader.kept() == 0);
  }
}

TEST_CASE("pauses and resumes at random lose and repeat nothing") {
  const auto packets = small_vectors();
  const std::string stream = concatenate(packets);
  for (unsigned seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    packet_reader reader;
    collector got;
    for (std::size_t i = 0; i < packets.size(); ++i)
      got.wanted.push_back(random() % 3 == 0 ? next::pause : next::packet);
    std::size_t at = 0;
    while (at < stream.size() || reader.is_paused()) {
      if (reader.is_paused() && random() % 2 == 0) {
        reader.resume(got);
        continue;
      }
      const std::size_t count = std::min<std::size_t>(1 + random() % 400, stream.size() - at);
      const std::size_t seen = got.packets.size();
      const bool paused = reader.is_paused();
      reader.feed(as_bytes(stream).subspan(at, count), got);
      at += count;
      if (paused) REQUIRE(got.packets.size() == seen);
    }
    CHECK(same_packets(got.packets, packets));
    CHECK(reader.kept() == 0);
  }
}

TEST_CASE("a pause keeps everything behind it; resume without a pause does nothing") {
  const std::string stream = ping(1).bytes() + ping(2).bytes() + ping(3).bytes();
  packet_reader reader;
  collector got;
  got.wanted = {next::pause, next::pause};
  CHECK(reader.resume(got) == state::reading);
  CHECK(reader.feed(as_bytes(stream).first(50), got) == state::paused);
  CHECK(reader.is_paused());
  CHECK(got.packets.size() == 1);
  CHECK(reader.kept() == 30);
  CHECK(reader.feed(as_bytes(stream).subspan(50), got) == state::paused);
  CHECK(reader.kept() == 40);
  CHECK(reader.resume(got) == state::paused);
  CHECK(reader.kept() == 20);
  CHECK(reader.resume(got) == state::reading);
  CHECK(got.packets.size() == 3);
  CHECK(reader.kept() == 0);
}

TEST_CASE("stop ignores everything that follows, in the same piece and later") {
  const std::string stream = ping(1).bytes() + ping(2).bytes() + ping(3).bytes();
  packet_reader reader;
  collector got;
  got.wanted = {next::packet, next::stop};
  CHECK(reader.feed(as_bytes(stream), got) == state::stopped);
  CHECK(reader.feed(as_bytes(stream), got) == state::stopped);
  CHECK(reader.resume(got) == state::stopped);
  CHECK(got.packets.size() == 2);
  CHECK(reader.kept() == 0);
}

TEST_CASE("packets before a bad one are seen, none after it") {
  const std::string good = ping(1).bytes();
  for (const std::size_t piece : {1U, 7U, 1000U}) {
    CAPTURE(piece);
    packet_reader reader;
    collector got;
    const std::string stream = good + good + "bad" + good;
    for (std::size_t at = 0; at < stream.size(); at += piece)
      reader.feed(as_bytes(stream).subspan(at, std::min(piece, stream.size() - at)), got);
    CHECK(got.packets.size() == 2);
    CHECK(reader.feed(as_bytes(good), got) == state::failed);
    CHECK(reader.resume(got) == state::failed);
    CHECK(reader.error() == vsoa::errc::bad_magic);
    CHECK(got.packets.size() == 2);
    CHECK(reader.kept() == 0);
  }
}

TEST_CASE("too large is found with the header, in whatever pieces it comes") {
  wire_header h;
  h.data_length = 262144 - 20 + 1;
  const std::string bytes = h.bytes();
  for (std::size_t cut = 0; cut < 20; ++cut) {
    packet_reader reader;
    collector got;
    CHECK(reader.feed(as_bytes(bytes).first(cut), got) == state::reading);
    CHECK(reader.feed(as_bytes(bytes).subspan(cut), got) == state::failed);
    CHECK(reader.error() == vsoa::errc::too_large);
    CHECK(reader.kept() == 0);
  }
}

TEST_CASE("the limit can be lower, and be raised by a packet for those behind it") {
  packet small = rpc(1, "/a");
  packet large = rpc(2, "/b", {}, std::string(5000, 'x'));
  const std::string stream = small.bytes() + large.bytes();
  {
    packet_reader reader;
    reader.set_limit(4096);
    collector got;
    CHECK(reader.feed(as_bytes(stream), got) == state::failed);
    CHECK(got.packets.size() == 1);
  }
  for (const std::size_t piece : {1U, 30U, 100U, 10000U}) {
    packet_reader reader;
    reader.set_limit(4096);
    std::size_t count = 0;
    const auto raise = [&](const vsoa::packet_view&) {
      ++count;
      reader.set_limit(vsoa::max_packet_bytes);
      return next::packet;
    };
    for (std::size_t at = 0; at < stream.size(); at += piece)
      reader.feed(as_bytes(stream).subspan(at, std::min(piece, stream.size() - at)), raise);
    CHECK(count == 2);
  }
}

TEST_CASE("the largest packet in pieces") {
  const packet p = rpc(9, "/max", {}, std::string(262144 - 20 - 4, 'm'));
  const std::string bytes = p.bytes();
  REQUIRE(bytes.size() == 262144);
  packet_reader reader;
  collector got;
  for (std::size_t at = 0; at < bytes.size(); at += 4096)
    reader.feed(as_bytes(bytes).subspan(at, 4096), got);
  REQUIRE(got.packets.size() == 1);
  CHECK(same(got.packets[0], p));
}

TEST_CASE("a packet whole in the input is shown where it lies") {
  const std::string bytes = rpc(1, "/where", "{}").bytes();
  packet_reader reader;
  reader.feed(as_bytes(bytes), [&](const vsoa::packet_view& v) {
    CHECK(v.url.data() == bytes.data() + 20);
    return next::packet;
  });
}

}  // namespace packet_reader_test
