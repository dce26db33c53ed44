// Packets that follow each other in one buffer and differ in nothing but their payload's bytes:
// what a producer sends that stays with one URL. What is known of the first is known of all, so
// they are dealt with as one.
#pragma once

#include <cstddef>
#include <span>

#include "vsoa/packet.hpp"

namespace vsoa::protocol {

/// `count` packets of `packet_bytes` each, with the same header and URL. As made by default: one
/// packet of which there is no more than its view.
struct packet_train {
  const std::byte* first = nullptr;
  std::size_t packet_bytes = 0;
  std::size_t count = 1;

  /// The train without its first `some` packets.
  packet_train without(std::size_t some) const noexcept {
    return {first + some * packet_bytes, packet_bytes, count - some};
  }
};

/// The packet at the front of `input` and those alike behind it.
/// @param head_bytes  header and URL of the first
/// @pre the first packet, `packet_bytes` long, is complete
packet_train train_at(std::span<const std::byte> input, std::size_t packet_bytes,
                      std::size_t head_bytes) noexcept;

/// Writes `some` packets of the train, the header of each replaced by that of `head`, pad zeroed.
/// @param head  has the URL and payload lengths of the train's packets, and encoded_bytes(head) is
///              the length of each
void encode_train(const packet_view& head, const packet_train& train, std::size_t some,
                  std::byte* out) noexcept;

}  // namespace vsoa::protocol
