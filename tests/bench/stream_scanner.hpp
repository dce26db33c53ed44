// Takes a byte stream of any protocol apart, given what finds the end of one message.
#pragma once

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include "frame_scanner.hpp"

namespace bench {

/// What the beginning of a stream is.
struct message {
  std::size_t total_bytes = 0;  ///< 0: too little is there to know
  bool counts = false;          ///< an answer or a delivery; otherwise it is only passed over
  packet_type type = packet_type::rpc;
  std::size_t payload_offset = 0;
  std::size_t payload_bytes = 0;
};

/// The counterpart of frame_scanner. Messages are parsed where they lie; only one that a read
/// has cut is copied together.
template <message (*Parse)(const std::uint8_t*, std::size_t)>
class stream_scanner {
 public:
  explicit stream_scanner(bool verify = false) : verify_(verify) {}

  /// Calls sink(const frame&) for each answer or delivery whose last byte is among these.
  template <class Sink>
  void feed(const std::uint8_t* at, std::size_t bytes, Sink&& sink) {
    while (bytes > 0 || !kept_.empty()) {
      if (kept_.empty()) {
        const message found = Parse(at, bytes);
        if (found.total_bytes == 0 || found.total_bytes > bytes) {
          kept_.assign(at, at + bytes);
          return;
        }
        take(at, found, sink);
        at += found.total_bytes;
        bytes -= found.total_bytes;
        continue;
      }
      const std::size_t used = complete(at, bytes, sink);
      at += used;
      bytes -= used;
      if (bytes == 0) return;
    }
  }

 private:
  static constexpr std::size_t head_step_bytes = 16;

  // Adds to what is kept as much as its message wants, a little at a time while its length is
  // not known. What was kept is never a complete message, but what is added to it may go beyond
  // its end: those bytes are given back.
  template <class Sink>
  std::size_t complete(const std::uint8_t* at, std::size_t bytes, Sink& sink) {
    const std::size_t before = kept_.size();
    const message known = Parse(kept_.data(), before);
    const std::size_t wanted =
        known.total_bytes == 0 ? head_step_bytes : known.total_bytes - before;
    kept_.insert(kept_.end(), at, at + std::min(bytes, wanted));
    const message found = Parse(kept_.data(), kept_.size());
    if (found.total_bytes == 0 || found.total_bytes > kept_.size()) return kept_.size() - before;
    take(kept_.data(), found, sink);
    kept_.clear();
    return found.total_bytes - before;
  }

  template <class Sink>
  void take(const std::uint8_t* at, const message& found, Sink& sink) {
    if (!found.counts) return;
    const std::uint8_t* payload = at + found.payload_offset;
    frame whole;
    whole.header.type = static_cast<std::uint8_t>(found.type);
    whole.header.data_bytes = static_cast<std::uint32_t>(found.payload_bytes);
    if (found.payload_bytes >= index_bytes) whole.index = load_u32(payload);
    whole.header.seqno = whole.index;
    for (std::size_t i = index_bytes; verify_ && i < found.payload_bytes; ++i) {
      if (payload[i] != pattern_at(i)) throw std::runtime_error("a payload came back changed");
    }
    sink(static_cast<const frame&>(whole));
  }

  bool verify_;
  std::vector<std::uint8_t> kept_;
};

}  // namespace bench
