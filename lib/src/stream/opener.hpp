// How a stream comes by its connected socket: by waiting for the other side, or by going there.
// Everything on the loop's thread.
#pragma once

#include <functional>
#include <system_error>

#include "net/socket.hpp"

namespace vsoa {

class stream_opener {
 public:
  /// A connected, non-blocking socket; or none, and why. Once, and never within start(). The
  /// opener must not be destroyed in it.
  using opened = std::function<void(net::unique_fd socket, std::error_code error)>;

  virtual ~stream_opener() = default;
  /// Throws std::system_error.
  virtual void start(opened done) = 0;
  /// Before destruction, unless it is done: `done` is not called any more.
  virtual void cancel() noexcept = 0;
};

}  // namespace vsoa
