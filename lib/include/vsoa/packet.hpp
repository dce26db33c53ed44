// The VSOA packet as a value: types, flags, limits and a view of one packet's parts. Source: the
// wire notes, lib/README.md, "Packet format" and "Message types".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "vsoa/status.hpp"

namespace vsoa {

/// Message types (wire: byte 1). Unknown values are representable: a decoder passes them on.
enum class packet_type : std::uint8_t {
  servinfo = 0x00,  ///< handshake, client to server
  rpc = 0x01,       ///< remote procedure call
  subscribe = 0x02,
  unsubscribe = 0x03,
  publish = 0x04,   ///< server to client
  datagram = 0x05,  ///< both ways, never acknowledged
  qossetup = 0x06,  ///< server to client: priority in the status byte
  noop = 0xFE,
  pingecho = 0xFF,
};

/// Flag bits (wire: byte 2). The two high bits are the pad count, the codec's own; the three
/// between are reserved, and cleared in what is received.
namespace packet_flags {
/// An answer.
inline constexpr std::uint8_t reply = 0x01;
inline constexpr std::uint8_t tunnel = 0x02;  ///< `tunid` is valid
inline constexpr std::uint8_t set = 0x04;     ///< RPC method SET; clear: GET
}  // namespace packet_flags

/// RPC method: two flavours of the same call, told apart by the SET flag.
enum class method : std::uint8_t { get = 0, set = 1 };

/// TCP, in order and reliable, or UDP, quick and lossy.
enum class channel : std::uint8_t { normal = 0, quick = 1 };

inline constexpr std::size_t header_bytes = 20;
/// Largest packet on TCP, pad included.
inline constexpr std::size_t max_packet_bytes = 262144;
/// Largest datagram accepted on the quick channel.
inline constexpr std::size_t max_quick_packet_bytes = 65507;
/// Largest packet that we send on the quick channel: packets are padded to multiples of 4.
inline constexpr std::size_t max_quick_send_bytes = 65504;
inline constexpr std::size_t max_url_bytes = 65535;
inline constexpr std::uint8_t max_priority = 7;

/// What a message carries besides its URL. Both parts are optional; empty means absent.
struct payload_view {
  std::string_view param;           ///< normally JSON text in UTF-8; never parsed unless needed
  std::span<const std::byte> data;  ///< opaque bytes

  /// Neither param nor data.
  bool empty() const noexcept { return param.empty() && data.empty(); }
};

/// One packet, its variable parts pointing into somebody else's memory. Valid as long as that is.
struct packet_view {
  /// Byte 1.
  packet_type type{};
  std::uint8_t flags = 0;   ///< packet_flags, without the pad count
  std::uint8_t status = 0;  ///< status of a reply; priority in qossetup
  std::uint32_t seqno = 0;  ///< request number; the client id in quick datagrams to a server
  std::uint16_t tunid = 0;  ///< a port number: quick port of the client, or a stream's port
  /// Empty: none.
  std::string_view url;
  /// Param and data.
  payload_view payload;

  /// Flag REPLY.
  bool is_reply() const noexcept { return (flags & packet_flags::reply) != 0; }
  /// Flag SET.
  bool is_set() const noexcept { return (flags & packet_flags::set) != 0; }
  /// Flag TUNNEL.
  bool has_tunnel() const noexcept { return (flags & packet_flags::tunnel) != 0; }
};

}  // namespace vsoa
