// Any stream: read packet by packet, through packet_reader in pieces, and as one datagram; what was
// read must be the same each way, lie inside the input, and survive being written again.
//
// The first eight bytes say how the stream is cut: the low seven bits of each are the length of a
// piece (0: all the rest), the high bit asks for a pause after the next packet.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/decoder.hpp"
#include "protocol/encoder.hpp"
#include "protocol/gate.hpp"
#include "protocol/packet_reader.hpp"
#include "protocol/packet_train.hpp"
#include "protocol/param.hpp"
#include "vsoa/url.hpp"

namespace {

using namespace vsoa;
using namespace vsoa::protocol;
using bytes = std::span<const std::byte>;

constexpr std::size_t control_bytes = 8;

void require(bool condition) {
  if (!condition) std::abort();
}

std::vector<std::byte> encode_again(const packet_view& p) {
  require(fits(p, channel::normal));
  std::vector<std::byte> out(encoded_bytes(p));
  require(out.size() % 4 == 0 && out.size() <= max_packet_bytes);
  encode(p, out.data());
  return out;
}

bool is_inside(bytes input, const void* part, std::size_t size) {
  const auto* begin = static_cast<const std::byte*>(part);
  return size == 0 || (begin >= input.data() && begin + size <= input.data() + input.size());
}

void check_inside(bytes input, const packet_view& p) {
  require(is_inside(input, p.url.data(), p.url.size()));
  require(is_inside(input, p.payload.param.data(), p.payload.param.size()));
  require(is_inside(input, p.payload.data.data(), p.payload.data.size()));
}

void check_equal(const packet_view& a, const packet_view& b) {
  require(a.type == b.type && a.flags == b.flags && a.status == b.status && a.seqno == b.seqno &&
          a.tunid == b.tunid && a.url == b.url && a.payload.param == b.payload.param);
  require(a.payload.data.size() == b.payload.data.size());
  require(a.payload.data.empty() ||
          std::memcmp(a.payload.data.data(), b.payload.data.data(), a.payload.data.size()) == 0);
}

void check_gate(const packet_view& p) {
  for (const bool authenticated : {false, true}) {
    const gate_verdict verdict = admit(p, authenticated);
    if (p.is_reply()) require(verdict == gate_verdict::ignore);
    // Before the password nothing but the handshake gets through.
    if (!authenticated && p.type != packet_type::servinfo) {
      require(verdict != gate_verdict::dispatch);
    }
  }
}

void check_text(std::string_view text) {
  const bool json = is_json(text);
  const auto password = read_password(text);
  const auto urls = read_url_list(text);
  require(json || (!password && !urls));
  require(!password || !urls);
}

void check_url(std::string_view url) {
  if (!is_valid_url(url)) return;
  require(url_matches("/", url) && url_matches(url, url));
  require(url_matches(std::string(url) + '/', url));
}

// The packets of the stream, encoded anew, and how it ends.
struct reading {
  std::vector<std::vector<std::byte>> packets;
  decode_state end = decode_state::need_more;
  errc error{};
  std::size_t rest = 0;  // bytes of an unfinished packet
};

reading read_whole(bytes input) {
  reading r;
  for (;;) {
    packet_view view;
    const decode_result result = decode(input, view);
    if (result.state != decode_state::packet) {
      require(result.state == decode_state::error || result.bytes > input.size());
      require(result.bytes <= max_packet_bytes);
      r.end = result.state;
      r.error = result.error;
      r.rest = input.size();
      return r;
    }
    require(result.bytes >= header_bytes && result.bytes <= input.size());
    check_inside(input.first(result.bytes), view);
    check_gate(view);
    check_text(view.payload.param);
    check_url(view.url);
    r.packets.push_back(encode_again(view));
    packet_view again;
    const decode_result second = decode(r.packets.back(), again);
    require(second.state == decode_state::packet && second.bytes == r.packets.back().size());
    check_equal(view, again);
    input = input.subspan(result.bytes);
  }
}

void check_pieces(bytes control, bytes stream, const reading& expected) {
  packet_reader reader;
  std::size_t seen = 0;
  std::size_t turn = 0;
  const auto control_of = [&](std::size_t i) {
    return std::to_integer<unsigned>(control[i % control.size()]);
  };
  const auto on_packet = [&](const packet_view& p) {
    require(seen < expected.packets.size() && encode_again(p) == expected.packets[seen]);
    ++seen;
    return (control_of(turn + seen) & 0x80) != 0 ? packet_reader::next::pause
                                                 : packet_reader::next::packet;
  };
  while (!stream.empty()) {
    const std::size_t wanted = control_of(turn) & 0x7F;
    const std::size_t count = wanted == 0 ? stream.size() : std::min(wanted, stream.size());
    reader.feed(stream.first(count), on_packet);
    stream = stream.subspan(count);
    if (turn++ % 2 == 0) reader.resume(on_packet);
  }
  while (reader.is_paused())
    reader.resume(on_packet);
  require(seen == expected.packets.size());
  const bool failed = reader.resume(on_packet) == packet_reader::state::failed;
  require(failed == (expected.end == decode_state::error));
  require(reader.error() == expected.error);
  require(reader.kept() == (failed ? 0 : expected.rest));
}

// Trains: each packet comes once, as itself, and as it would be relayed.
void check_trains(bytes stream, const reading& expected) {
  packet_reader reader;
  std::size_t seen = 0;
  const auto on_packet = [&](const packet_view& p) {
    const packet_train train = reader.take_alike(p, encoded_bytes(p));
    require(train.count >= 1 && (train.count == 1) == (train.first == nullptr));
    if (train.count == 1) {
      require(seen < expected.packets.size() && encode_again(p) == expected.packets[seen++]);
      return packet_reader::next::packet;
    }
    require(is_inside(stream, train.first, train.count * train.packet_bytes));
    std::vector<std::byte> out(train.count * train.packet_bytes);
    encode_train(p, train, train.count, out.data());
    for (std::size_t i = 0; i < train.count; ++i, ++seen) {
      require(seen < expected.packets.size());
      const auto& one = expected.packets[seen];
      require(one.size() == train.packet_bytes);
      require(std::memcmp(one.data(), out.data() + i * one.size(), one.size()) == 0);
    }
    return packet_reader::next::packet;
  };
  reader.feed(stream, on_packet);
  require(seen == expected.packets.size());
}

void check_datagram(bytes input) {
  packet_view view;
  const decode_result result = decode_quick(input, view);
  require(result.state != decode_state::need_more);
  if (result.state == decode_state::error) return;
  check_inside(input, view);
  const auto again = encode_again(view);
  packet_view second;
  require(decode_quick(again, second).state == decode_state::packet);
  check_equal(view, second);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < control_bytes) return 0;
  const bytes input(reinterpret_cast<const std::byte*>(data), size);
  const bytes stream = input.subspan(control_bytes);
  const reading expected = read_whole(stream);
  check_pieces(input.first(control_bytes), stream, expected);
  check_trains(stream, expected);
  check_datagram(stream);
  check_text({reinterpret_cast<const char*>(stream.data()), stream.size()});
  return 0;
}
