// Packets alike that are dealt with as one.

#include "protocol/packet_train.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "protocol/packet_reader.hpp"
#include "support.hpp"

namespace packet_train_test {

using namespace vsoa_test;
using namespace vsoa::protocol;
using next = packet_reader::next;

packet numbered(int i, const std::string& url = "/t") {
  return datagram(url, {}, {char('a' + i % 26), char('A' + i % 26), char('0' + i % 10)});
}

// What an on_packet that takes trains has seen: how many packets each time.
struct taker {
  packet_reader& reader;
  std::vector<std::size_t> counts;
  std::string data;  // of all
  next then = next::packet;

  next operator()(const vsoa::packet_view& p) {
    const packet_train train = reader.take_alike(p, encoded_bytes(p));
    counts.push_back(train.count);
    data += as_text(p.payload.data);
    for (std::size_t i = 1; i < train.count; ++i) {
      vsoa::packet_view one;
      const packet_train rest = train.without(i);
      const auto result = decode({rest.first, rest.packet_bytes}, one);
      REQUIRE(result.state == decode_state::packet);
      data += as_text(one.payload.data);
    }
    return then;
  }
};

TEST_CASE("a train ends where header or URL differ, and where the packet is not whole") {
  std::string stream;
  std::string expected;
  const auto add = [&](const packet& p) {
    stream += p.bytes();
    expected += p.data;
  };
  for (int i = 0; i < 5; ++i)
    add(numbered(i));
  add(numbered(5, "/u"));
  add(numbered(6, "/u"));
  packet longer = numbered(7, "/u");
  longer.data += "more";
  add(longer);
  packet other_kind = numbered(8, "/u");
  other_kind.seqno = 1;
  add(other_kind);
  add(numbered(9));
  add(numbered(10));
  stream += numbered(11).bytes().substr(0, 22);

  packet_reader reader;
  taker got{reader, {}, {}};
  CHECK(reader.feed(as_bytes(stream), got) == packet_reader::state::reading);
  CHECK(got.counts == std::vector<std::size_t>{5, 2, 1, 1, 2});
  CHECK(got.data == expected);
  CHECK(reader.kept() == 22);
}

TEST_CASE("whatever way the stream is cut, every packet comes once and in order") {
  std::string stream;
  std::string expected;
  for (int i = 0; i < 20; ++i) {
    const packet p = numbered(i, i % 7 < 5 ? "/t" : "/other");
    stream += p.bytes();
    expected += p.data;
  }
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    packet_reader reader;
    taker got{reader, {}, {}};
    for (std::size_t at = 0; at < stream.size(); at += piece)
      reader.feed(as_bytes(stream).subspan(at, std::min(piece, stream.size() - at)), got);
    REQUIRE(got.data == expected);
  }
}

TEST_CASE("a pause within a train keeps what is behind it") {
  std::string stream;
  for (int i = 0; i < 4; ++i)
    stream += numbered(i).bytes();
  const std::string rest = numbered(4, "/u").bytes();
  packet_reader reader;
  taker got{reader, {}, {}, next::pause};
  CHECK(reader.feed(as_bytes(stream + rest), got) == packet_reader::state::paused);
  CHECK(got.counts == std::vector<std::size_t>{4});
  CHECK(reader.kept() == rest.size());
  got.then = next::packet;
  CHECK(reader.resume(got) == packet_reader::state::reading);
  CHECK(got.counts == std::vector<std::size_t>{4, 1});
}

TEST_CASE("packets that came in another form than we send are no train") {
  // A pad of four bytes where none is needed: legal to receive, not to pass on.
  packet p = datagram("/abc", {}, "1234");
  std::string odd = p.bytes();
  odd[2] = static_cast<char>(0xC0);
  odd += "xyz";
  packet_reader reader;
  taker got{reader, {}, {}};
  reader.feed(as_bytes(odd + odd + odd), got);
  CHECK(got.counts == std::vector<std::size_t>{1, 1, 1});
  CHECK(got.data == "123412341234");
}

TEST_CASE("encoding a train: the new header, the old payloads, pads of zero") {
  for (std::size_t data = 0; data < 9; ++data) {
    std::string stream;
    std::string expected;
    for (int i = 0; i < 300; ++i) {  // more than is copied at a time
      packet p = datagram("/train", "7", std::string(data, char('a' + i % 26)));
      std::string bytes = p.bytes();
      const std::size_t pad = static_cast<unsigned char>(bytes[2]) >> 6;
      for (std::size_t n = 1; n <= pad; ++n)
        bytes[bytes.size() - n] = '\x77';  // what official peers leave there
      stream += bytes;
      p.type = type_publish;
      expected += p.bytes();
    }
    vsoa::packet_view head;
    const auto first = decode(as_bytes(stream), head);
    const packet_train train =
        train_at(as_bytes(stream), first.bytes, vsoa::header_bytes + head.url.size());
    REQUIRE(train.count == 300);
    head.type = vsoa::packet_type::publish;
    std::string out(stream.size(), '\x5A');
    encode_train(head, train, train.count, reinterpret_cast<std::byte*>(out.data()));
    CHECK(out == expected);
    encode_train(head, train, 1, reinterpret_cast<std::byte*>(out.data()));
    CHECK(out == expected);
  }
}

}  // namespace packet_train_test
