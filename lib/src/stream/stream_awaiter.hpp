// Waits for a socket that comes from elsewhere, such as another process.
#pragma once

#include <memory>

#include "net/loop.hpp"
#include "stream/opener.hpp"

namespace vsoa {

class stream_awaiter final : public stream_opener {
 public:
  explicit stream_awaiter(net::loop& where);

  /// What the socket is put into; any thread, also after the awaiter has gone: then it is closed.
  std::function<void(int socket, std::error_code error)> entrance() const;

  void start(opened done) override;
  void cancel() noexcept override;

 private:
  struct state {
    net::loop& loop;
    opened done;  // the loop's thread's
    net::unique_fd socket;
    std::error_code error;
    bool has_come = false;
    bool is_over = false;
  };
  static void arrived(state& s, net::unique_fd socket, std::error_code error);
  static void finish(state& s);

  const std::shared_ptr<state> state_;
};

}  // namespace vsoa
