// Limits and odd forms of single packets.

#include "protocol/decoder.hpp"

#include <doctest/doctest.h>

#include "support.hpp"

namespace decoder_test {

using namespace vsoa_test;
using namespace vsoa::protocol;
using vsoa::errc;

std::string header_with(std::uint16_t url, std::uint32_t param, std::uint32_t data,
                        unsigned pad = 0) {
  wire_header h;
  h.flags = static_cast<std::uint8_t>(pad << 6);
  h.url_length = url;
  h.param_length = param;
  h.data_length = data;
  return h.bytes();
}

decode_result decode_text(std::string_view bytes, std::size_t limit = vsoa::max_packet_bytes) {
  vsoa::packet_view ignored;
  return decode(as_bytes(bytes), ignored, limit);
}

decode_result decode_datagram(std::string_view bytes) {
  vsoa::packet_view ignored;
  return decode_quick(as_bytes(bytes), ignored);
}

void check_error(const decode_result& result, errc expected) {
  CHECK(result.state == decode_state::error);
  CHECK(result.error == expected);
}

TEST_CASE("a wrong first byte is an error at once, whatever follows") {
  for (int first = 0; first < 256; ++first) {
    CAPTURE(first);
    const std::string bytes(1, static_cast<char>(first));
    if (first == 0x29) {
      CHECK(decode_text(bytes).state == decode_state::need_more);
    } else {
      check_error(decode_text(bytes), errc::bad_magic);
      check_error(decode_text(bytes + std::string(40, '\0')), errc::bad_magic);
      check_error(decode_datagram(bytes + std::string(40, '\0')), errc::bad_magic);
    }
  }
}

TEST_CASE("less than a header needs more, and asks for no more than is certain") {
  const std::string bytes = header_with(5, 0, 0) + "/echo";
  CHECK(decode_text("").bytes == 20);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    const auto result = decode_text(std::string_view(bytes).substr(0, size));
    CHECK(result.state == decode_state::need_more);
    CHECK(result.bytes == (size < 20 ? 20 : bytes.size()));
  }
  CHECK(decode_text(bytes).state == decode_state::packet);
}

TEST_CASE("262144 bytes are a packet, one more is refused by its header") {
  const auto data = static_cast<std::uint32_t>(vsoa::max_packet_bytes - 20);
  const std::string largest = header_with(0, 0, data) + std::string(data, 'x');
  const auto result = decode_text(largest);
  CHECK(result.state == decode_state::packet);
  CHECK(result.bytes == 262144);
  CHECK(decode_text(header_with(0, 0, data)).state == decode_state::need_more);
  check_error(decode_text(header_with(0, 0, data + 1)), errc::too_large);
  check_error(decode_text(header_with(0, data + 1, 0)), errc::too_large);
  check_error(decode_text(header_with(1, data, 0)), errc::too_large);
}

TEST_CASE("a pad that alone crosses the limit is refused") {
  const auto data = static_cast<std::uint32_t>(vsoa::max_packet_bytes - 20);
  CHECK(decode_text(header_with(0, 0, data - 3, 3)).state == decode_state::need_more);
  check_error(decode_text(header_with(0, 0, data, 1)), errc::too_large);
  check_error(decode_text(header_with(0, 0, data - 1, 2)), errc::too_large);
  check_error(decode_text(header_with(0, 0, data - 2, 3)), errc::too_large);
}

TEST_CASE("lengths whose sum overflows 32 bits are refused") {
  check_error(decode_text(header_with(2, 0, 0xFFFFFFFF, 2)), errc::too_large);  // 23 modulo 2^32
  check_error(decode_text(header_with(0, 0xFFFFFFFF, 1)), errc::too_large);
  check_error(decode_text(header_with(0, 0xFFFFFFFF, 0xFFFFFFFF)), errc::too_large);
  check_error(decode_text(header_with(0xFFFF, 0x80000000, 0x80000000, 3)), errc::too_large);
  check_error(decode_datagram(header_with(2, 0, 0xFFFFFFFF, 2) + "12"), errc::truncated);
  check_error(decode_datagram(header_with(0, 0xFFFFFFFF, 1)), errc::truncated);
  check_error(decode_datagram(header_with(0, 0x80000000, 0x80000000)), errc::truncated);
}

TEST_CASE("a lower limit counts the whole packet") {
  const std::string bytes = header_with(4, 0, 0) + "/abc";
  CHECK(decode_text(bytes, 24).state == decode_state::packet);
  check_error(decode_text(bytes, 23), errc::too_large);
  check_error(decode_text(header_with(4, 0, 0, 1), 24), errc::too_large);
}

TEST_CASE("totals that are no multiple of 4, and more pad than needed, are taken") {
  for (unsigned pad = 0; pad < 4; ++pad) {
    for (std::size_t url = 1; url < 6; ++url) {
      CAPTURE(pad);
      CAPTURE(url);
      const std::string body = std::string(url, '/') + std::string(pad, '\xEE');
      const std::string bytes = header_with(static_cast<std::uint16_t>(url), 0, 0, pad) + body;
      vsoa::packet_view view;
      const std::string stream = bytes + "next";
      const auto result = decode(as_bytes(stream), view);
      REQUIRE(result.state == decode_state::packet);
      CHECK(result.bytes == bytes.size());
      CHECK(view.url == std::string(url, '/'));
    }
  }
}

TEST_CASE("reserved flag bits and the pad count are not among the flags seen") {
  wire_header h;
  h.flags = 0xFF;
  vsoa::packet_view view;
  const std::string stream = h.bytes() + "pad";
  REQUIRE(decode(as_bytes(stream), view).state == decode_state::packet);
  CHECK(view.flags == 0x07);
  CHECK(view.is_reply());
  CHECK(view.is_set());
  CHECK(view.has_tunnel());
}

TEST_CASE("unknown types and every status pass through") {
  for (unsigned value = 0; value < 256; ++value) {
    wire_header h;
    h.type = static_cast<std::uint8_t>(value);
    h.status = static_cast<std::uint8_t>(255 - value);
    vsoa::packet_view view;
    REQUIRE(decode(as_bytes(h.bytes()), view).state == decode_state::packet);
    CHECK(static_cast<unsigned>(view.type) == value);
    CHECK(view.status == 255 - value);
  }
}

TEST_CASE("a datagram is one packet, and what follows it is ignored") {
  const std::string bytes = datagram("/a", "{}", "12345").bytes();
  vsoa::packet_view view;
  const std::string longer = bytes + "trailing";
  REQUIRE(decode_quick(as_bytes(longer), view).state == decode_state::packet);
  CHECK(view.url == "/a");
  CHECK(as_text(view.payload.data) == "12345");
  // Its pad may be missing: nobody looks at it.
  const std::string unpadded = bytes.substr(0, 20 + 2 + 2 + 5);
  CHECK(decode_datagram(unpadded).state == decode_state::packet);
  for (std::size_t size = 0; size < unpadded.size(); ++size) {
    CAPTURE(size);
    check_error(decode_datagram(bytes.substr(0, size)), errc::truncated);
  }
}

TEST_CASE("a datagram may have 65507 bytes") {
  const std::uint32_t data = 65507 - 20;
  const std::string body(data + 1, 'x');
  CHECK(decode_datagram(header_with(0, 0, data) + body.substr(0, data)).state ==
        decode_state::packet);
  check_error(decode_datagram(header_with(0, 0, data + 1) + body), errc::too_large);
}

}  // namespace decoder_test
