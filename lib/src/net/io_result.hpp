// What became of one read or write on a socket that does not block.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vsoa::net {

enum class io_outcome : std::uint8_t {
  done,     ///< `bytes` have been moved, perhaps fewer than wanted
  blocked,  ///< none, or no more, now: wait for readiness
  closed,   ///< the other side sends no more
  failed,   ///< the connection is broken
};

struct io_result {
  io_outcome what;
  std::size_t bytes = 0;
};

}  // namespace vsoa::net
