// The stream of lib_client. Each direction carries bytes of a pattern
// (node/lib_client_streams_test.js has the same), so that each side can tell by itself whether what
// has come is what was sent.
//
//     stream TUNID     connected | failed
//     send COUNT       done, once the stream has taken them | failed
//     receive COUNT    received GOOD|SPOILT, once so many have come since the beginning | failed
//     shut             says that nothing more will be sent; what was sent arrives
//     ended            ended RECEIVED GOOD|SPOILT [TEXT], once both sides have
//
// "late" instead, when nothing happens in time.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "vsoa/client.hpp"

/// The high bytes of a linear congruential generator: they do not repeat within a test.
class pattern {
 public:
  std::byte next() {
    state_ = state_ * 1664525 + 1013904223;
    return static_cast<std::byte>(state_ >> 24U);
  }

 private:
  std::uint32_t state_ = 1;
};

class pattern_stream : public std::enable_shared_from_this<pattern_stream> {
 public:
  std::string open(vsoa::client& by, std::uint16_t tunid) {
    vsoa::stream_callbacks callbacks;
    callbacks.on_link = [self = shared_from_this()](const vsoa::stream& s, bool connected) {
      self->change([&] {
        (connected ? self->connected_ : self->ended_) = true;
        if (!connected && s.error()) self->error_ = ' ' + s.error().message();
      });
    };
    callbacks.on_data = [self = shared_from_this()](const vsoa::stream&, auto bytes) {
      self->change([&] { self->take(bytes); });
    };
    callbacks.on_writable = [self = shared_from_this()](const vsoa::stream&) {
      self->change([&] { self->writable_ = true; });
    };
    // The other side may have more to say when we have not.
    callbacks.on_end = [](const vsoa::stream& s) { s.shutdown_write(); };
    stream_ = by.create_stream(tunid, std::move(callbacks));
    if (!stream_) return "failed";
    return when([this] { return connected_ || ended_; },
                [this] { return connected_ ? "connected" : "failed" + error_; });
  }

  std::string send(std::size_t count) {
    std::vector<std::byte> piece;
    while (count > 0 || !piece.empty()) {
      const std::size_t kept = piece.size();
      piece.resize(std::min(kept + count, vsoa::stream::max_piece));
      for (std::size_t i = kept; i < piece.size(); ++i)
        piece[i] = outgoing_.next();
      count -= piece.size() - kept;
      change([this] { writable_ = false; });
      const std::size_t taken = stream_.send(piece);
      piece.erase(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(taken));
      if (taken > 0) continue;
      const std::string refused =
          when([this] { return writable_ || ended_; },
               [this] { return writable_ ? std::string() : "failed" + error_; });
      if (!refused.empty()) return refused;
    }
    return "done";
  }

  std::string receive(std::size_t count) {
    return when(
        [this, count] { return received_ >= count || ended_; },
        [this, count] { return received_ >= count ? "received " + verdict() : "failed" + error_; });
  }

  std::string shut() {
    stream_.shutdown_write();
    return "done";
  }

  std::string ended() {
    return when([this] { return ended_; },
                [this] { return "ended " + std::to_string(received_) + ' ' + verdict() + error_; });
  }

 private:
  static constexpr std::chrono::seconds patience{15};

  template <class Change>
  void change(const Change& what) {
    const std::lock_guard lock(mutex_);
    what();
    changed_.notify_all();
  }
  template <class Condition, class Answer>
  std::string when(const Condition& holds, const Answer& answer) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, patience, holds)) return "late";
    return answer();
  }
  void take(std::span<const std::byte> bytes) {
    received_ += bytes.size();
    for (const std::byte each : bytes)
      good_ = each == incoming_.next() && good_;
  }
  std::string verdict() const { return good_ ? "good" : "spoilt"; }

  vsoa::stream stream_;
  pattern outgoing_;
  std::mutex mutex_;
  std::condition_variable changed_;
  pattern incoming_;
  std::size_t received_ = 0;
  bool connected_ = false;
  bool ended_ = false;
  bool writable_ = false;
  bool good_ = true;
  std::string error_;
};
