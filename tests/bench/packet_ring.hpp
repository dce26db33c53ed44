// Precomputed packets, sent again and again by gathered writes.
#pragma once

#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <functional>
#include <string>

#include "line.hpp"

namespace bench {

/// A ring of packets of one size, laid end to end. Positions in the endless stream that results
/// are bytes, so that a write that ends in the middle of a packet needs no bookkeeping.
class packet_ring {
 public:
  /// @param count  packets in the ring
  /// @param build  builds packet i, 0 <= i < count; all must have the same size
  packet_ring(std::uint32_t count, const std::function<std::string(std::uint32_t)>& build);

  std::uint32_t count() const { return count_; }
  std::size_t packet_bytes() const { return packet_bytes_; }

  /// The pieces of the stream from byte `from` to byte `to`, at most one turn of the ring.
  /// @return the number of pieces, 0..2
  std::size_t gather(std::uint64_t from, std::uint64_t to, std::array<iovec, 2>& pieces) const;

 private:
  std::uint32_t count_;
  std::size_t packet_bytes_ = 0;
  std::string bytes_;
};

/// How many packets of this size a ring gets: a power of two, about 1 MiB, 16 to 8192.
std::uint32_t ring_size_for(std::size_t packet_bytes);

/// Sends stream bytes from `sent` up to `allowed` on a non-blocking socket and advances `sent`.
/// @return false when the socket took only a part
bool send_from_ring(int fd, const packet_ring& ring, std::uint64_t& sent, std::uint64_t allowed);
bool send_from_ring(const line& to, const packet_ring& ring, std::uint64_t& sent,
                    std::uint64_t allowed);

}  // namespace bench
