// VSOA packets for tests: a builder and a reader of their own, written from the wire notes and not
// from libvsoa's codec, so that a mistake there can't hide in the tests.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vsoa_test {

// Packet types, flags and status codes, spelt out again on purpose.
inline constexpr std::uint8_t type_servinfo = 0x00;
inline constexpr std::uint8_t type_rpc = 0x01;
inline constexpr std::uint8_t type_subscribe = 0x02;
inline constexpr std::uint8_t type_unsubscribe = 0x03;
inline constexpr std::uint8_t type_publish = 0x04;
inline constexpr std::uint8_t type_datagram = 0x05;
inline constexpr std::uint8_t type_qossetup = 0x06;
inline constexpr std::uint8_t type_noop = 0xFE;
inline constexpr std::uint8_t type_pingecho = 0xFF;

inline constexpr std::uint8_t flag_reply = 0x01;
inline constexpr std::uint8_t flag_tunnel = 0x02;
inline constexpr std::uint8_t flag_set = 0x04;

inline constexpr std::uint8_t status_success = 0;
inline constexpr std::uint8_t status_password = 1;
inline constexpr std::uint8_t status_arguments = 2;
inline constexpr std::uint8_t status_invalid_url = 3;
inline constexpr std::uint8_t status_no_responding = 4;
inline constexpr std::uint8_t status_no_memory = 6;

inline constexpr std::size_t header_bytes = 20;
inline constexpr std::size_t max_packet_bytes = 262144;

/// The 20 bytes in front of every packet, each field free to be wrong.
struct wire_header {
  std::uint8_t magic = 0x29;
  std::uint8_t type = type_rpc;
  std::uint8_t flags = 0;  ///< all eight bits: the pad count is in the two high ones
  std::uint8_t status = 0;
  std::uint32_t seqno = 0;
  std::uint16_t tunid = 0;
  std::uint16_t url_length = 0;
  std::uint32_t param_length = 0;
  std::uint32_t data_length = 0;

  std::string bytes() const;
};

struct packet {
  std::uint8_t type = type_rpc;
  std::uint8_t flags = 0;  ///< without the pad count
  std::uint8_t status = 0;
  std::uint32_t seqno = 0;
  std::uint16_t tunid = 0;
  std::string url;
  std::string param;
  std::string data;

  /// On the wire, padded with zeros to a multiple of four.
  std::string bytes() const;
};

/// Reads the packet at the beginning of `bytes`. Nothing while it is incomplete.
/// @param used  set to the packet's size, pad included
/// Throws std::runtime_error for what must never come from our side: wrong magic, a total over the
/// limit or not a multiple of four, more pad than needed, pad bytes that are not zero.
std::optional<packet> parse_packet(std::string_view bytes, std::size_t& used);

// Requests, as a client sends them.
packet rpc(std::uint32_t seqno, std::string url, std::string param = {}, std::string data = {},
           bool set = false);
packet servinfo(std::uint32_t seqno, std::string param = {}, std::uint16_t quick_port = 0);
packet subscribe(std::uint32_t seqno, std::string url, std::string param = {});
packet unsubscribe(std::uint32_t seqno, std::string url, std::string param = {});
packet datagram(std::string url, std::string param = {}, std::string data = {},
                std::uint32_t client_id = 0);
packet ping(std::uint32_t seqno);

/// "0a1b" to bytes.
std::string from_hex(std::string_view hex);
std::string to_hex(std::string_view bytes);

}  // namespace vsoa_test
