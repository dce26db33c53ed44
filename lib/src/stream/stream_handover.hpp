// A stream whose socket, once its client has come, is given to the caller, who may be in want of it
// in another process. Where the client speaks TLS the caller gets one end of a pair of sockets, and
// the client's bytes are relayed to the other (stream_relay).
#pragma once

#include <memory>

#include "stream/opener.hpp"
#include "stream/stream_registry.hpp"
#include "vsoa/stream.hpp"

namespace vsoa {

/// Tells the taker once: the socket, or why there is none.
class stream_giver {
 public:
  explicit stream_giver(stream_taker taker) : taker_(std::move(taker)) {}
  stream_giver(stream_giver&&) noexcept = default;
  stream_giver& operator=(stream_giver&&) = delete;
  ~stream_giver();

  void give(net::unique_fd socket, stream_registry::place place);
  void fail(std::error_code why);

 private:
  stream_taker taker_;
};

/// Plain: the client's own socket is given away.
class stream_handover final : public tunnel, public std::enable_shared_from_this<stream_handover> {
 public:
  // Any thread.
  stream_handover(net::loop& where, stream_taker taker, bool ends_with_client,
                  stream_registry::place place, std::shared_ptr<stream_registry> owner);
  void open(std::unique_ptr<stream_opener> client);

  net::loop& where() const noexcept override { return loop_; }
  bool ends_with_client() const noexcept override { return ends_with_client_; }
  void close_here() override;
  void abort_here() override;

 private:
  void begin(std::unique_ptr<stream_opener> client);
  void opened(net::unique_fd socket, std::error_code error);
  void fail(std::error_code why);

  net::loop& loop_;
  stream_giver giver_;
  const bool ends_with_client_;
  bool is_over_ = false;
  stream_registry::place place_;
  const std::shared_ptr<stream_registry> owner_;
  std::unique_ptr<stream_opener> opener_;
};

/// The far side of a relay to a pair of sockets: makes the pair, and gives one end away. If the
/// relay ends before, the taker is told that nobody has come.
class stream_pair_opener final : public stream_opener {
 public:
  stream_pair_opener(net::loop& where, stream_taker taker)
      : loop_(where), giver_(std::move(taker)) {}

  void start(opened done) override;
  void cancel() noexcept override { *is_cancelled_ = true; }

 private:
  net::loop& loop_;
  stream_giver giver_;
  const std::shared_ptr<bool> is_cancelled_ = std::make_shared<bool>(false);
};

}  // namespace vsoa
