// Takes a byte stream apart into packets without copying their payload.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

#include "packet.hpp"

namespace bench {

/// What the load side needs to know of one complete packet.
struct frame {
  packet_header header;
  std::uint32_t index = 0;  ///< first four bytes of data, zero when there are fewer
};

/// Incremental: packets may be split and joined in any way. Only an unfinished head (header, URL,
/// param and index) is kept between two calls; of an unfinished payload only the length is.
class frame_scanner {
 public:
  /// @param verify  compare every payload byte with the pattern of build_payload()
  explicit frame_scanner(bool verify = false) : verify_(verify) {}

  /// Calls sink(const frame&) for each packet whose last byte is among these.
  /// Throws std::runtime_error when the bytes are no packets, or no payload as built.
  template <class Sink>
  void feed(const std::uint8_t* at, std::size_t bytes, Sink&& sink) {
    if (!verify_ && rest_ == 0 && kept_bytes_ == 0) take_whole(at, bytes, sink);
    while (bytes > 0) {
      const std::size_t used = rest_ > 0 ? consume(at, bytes) : start(at, bytes);
      at += used;
      bytes -= used;
      if (in_packet_ && rest_ == 0) {
        in_packet_ = false;
        sink(static_cast<const frame&>(current_));
      }
    }
  }

 private:
  static constexpr std::size_t max_head_bytes = 128;

  static std::size_t head_bytes(const packet_header& header) {
    return header.data_offset() + std::min<std::size_t>(index_bytes, header.data_bytes);
  }

  // The common case, kept short: packets that lie complete in the buffer.
  template <class Sink>
  static void take_whole(const std::uint8_t*& at, std::size_t& bytes, Sink& sink) {
    while (bytes >= header_bytes) {
      frame whole;
      whole.header = parse_header(at);
      if (bytes < whole.header.total_bytes) return;
      if (whole.header.data_bytes >= index_bytes)
        whole.index = load_u32(at + whole.header.data_offset());
      at += whole.header.total_bytes;
      bytes -= whole.header.total_bytes;
      sink(static_cast<const frame&>(whole));
    }
  }

  // Uses nothing when the whole head is there: consume() then takes the packet from its start.
  std::size_t start(const std::uint8_t* at, std::size_t bytes) {
    if (kept_bytes_ == 0 && bytes >= header_bytes) {
      current_.header = parse_header(at);
      if (bytes >= head_bytes(current_.header)) {
        begin(at);
        return 0;
      }
    }
    return gather_head(at, bytes);
  }

  void begin(const std::uint8_t* head) {
    const packet_header& header = current_.header;
    current_.index = header.data_bytes >= index_bytes ? load_u32(head + header.data_offset()) : 0U;
    rest_ = header.total_bytes;
    in_packet_ = true;
  }

  std::size_t gather_head(const std::uint8_t* at, std::size_t bytes) {
    std::size_t wanted = header_bytes;
    if (kept_bytes_ >= header_bytes) wanted = head_bytes(current_.header);
    if (wanted > max_head_bytes) throw std::runtime_error("URL or param longer than expected");
    const std::size_t used = std::min(bytes, wanted - kept_bytes_);
    std::memcpy(kept_.data() + kept_bytes_, at, used);
    kept_bytes_ += used;
    if (kept_bytes_ < wanted) return used;
    if (wanted == header_bytes) current_.header = parse_header(kept_.data());
    if (kept_bytes_ < head_bytes(current_.header)) return used;
    begin(kept_.data());
    rest_ -= kept_bytes_;
    kept_bytes_ = 0;
    return used;
  }

  std::size_t consume(const std::uint8_t* at, std::size_t bytes) {
    const std::size_t used = std::min(bytes, rest_);
    if (verify_) check(at, used);
    rest_ -= used;
    return used;
  }

  void check(const std::uint8_t* at, std::size_t bytes) const {
    const packet_header& header = current_.header;
    const std::size_t position = header.total_bytes - rest_;
    const std::size_t first = std::max<std::size_t>(position, header.data_offset() + index_bytes);
    const std::size_t last =
        std::min<std::size_t>(position + bytes, header.data_offset() + header.data_bytes);
    for (std::size_t i = first; i < last; ++i) {
      if (at[i - position] != pattern_at(i - header.data_offset()))
        throw std::runtime_error("a payload came back changed");
    }
  }

  frame current_;
  std::size_t rest_ = 0;  ///< bytes of the current packet that have not arrived
  bool in_packet_ = false;
  bool verify_;
  std::size_t kept_bytes_ = 0;
  std::array<std::uint8_t, max_head_bytes> kept_{};
};

}  // namespace bench
