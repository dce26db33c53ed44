// Cuts a TCP stream, in whatever pieces it comes, into packets. Packets that arrive whole are seen
// in the caller's buffer; only what is unfinished is kept, so that a connection at rest owns no
// memory.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "protocol/decoder.hpp"
#include "protocol/packet_train.hpp"

namespace vsoa::protocol {

class packet_reader {
 public:
  /// What the receiver of a packet wants next.
  enum class next {
    packet,  ///< the following packet
    pause,   ///< nothing until resume(): what has arrived is kept
    stop,    ///< nothing ever again
  };
  enum class state { reading, paused, stopped, failed };

  /// Largest packet accepted from now on, 20..max_packet_bytes.
  void set_limit(std::size_t bytes) noexcept { limit_ = bytes; }

  /// Takes the next bytes of the stream and calls `on_packet(const packet_view&) -> next` for each
  /// packet that is complete. Views die with the call of on_packet. After `failed` (see error()) or
  /// `stopped` all input is ignored. Not to be called from within on_packet.
  template <class OnPacket>
  state feed(std::span<const std::byte> input, OnPacket&& on_packet);

  /// Goes on after a pause with what was kept.
  template <class OnPacket>
  state resume(OnPacket&& on_packet);

  /// Only while on_packet is being called: the packet at hand, and as many behind it as are alike.
  /// These are taken with it: on_packet is not called for them. Valid as long as the packet is.
  /// @param packet_bytes  of the packet, as it would be encoded: if it came in any other form, or
  ///                      none behind is alike, the answer is a train as made by default
  packet_train take_alike(const packet_view& p, std::size_t packet_bytes) noexcept;

  /// Only while on_packet is being called: bytes of the input behind the packet at hand and those
  /// taken with it.
  std::size_t behind() const noexcept { return here_->input.size() - here_->taken; }

  errc error() const noexcept { return error_; }
  bool is_paused() const noexcept { return state_ == state::paused; }
  /// Bytes kept: of an unfinished packet, or everything behind a pause.
  std::size_t kept() const noexcept { return size_; }

 private:
  /// Where consume() is.
  struct position {
    std::span<const std::byte> input;  // from the packet at hand on
    std::size_t packet_bytes = 0;
    std::size_t taken = 0;  // of the input, with the packet at hand
  };

  void keep(std::span<const std::byte> bytes);
  void reserve(std::size_t capacity);
  void release() noexcept;
  std::span<const std::byte> kept_bytes() const noexcept { return {buffer_.get(), size_}; }

  template <class OnPacket>
  std::size_t consume(std::span<const std::byte> input, OnPacket& on_packet);
  std::size_t missing(std::span<const std::byte> input) noexcept;

  // The buffer follows the bytes that have come, never the length that a header claims.
  std::unique_ptr<std::byte[]> buffer_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::size_t limit_ = max_packet_bytes;
  position* here_ = nullptr;  // while consume() runs
  state state_ = state::reading;
  errc error_{};
};

/// Hands out complete packets from the front of `input`; answers how many bytes they took.
template <class OnPacket>
std::size_t packet_reader::consume(std::span<const std::byte> input, OnPacket& on_packet) {
  const std::size_t all = input.size();
  position here;
  here_ = &here;
  while (state_ == state::reading && !input.empty()) {
    packet_view view;
    const decode_result result = decode(input, view, limit_);
    if (result.state == decode_state::need_more) break;
    if (result.state == decode_state::error) {
      error_ = result.error;
      state_ = state::failed;
      break;
    }
    here = {input, result.bytes, result.bytes};
    switch (on_packet(static_cast<const packet_view&>(view))) {
      case next::packet:
        break;
      case next::pause:
        state_ = state::paused;
        break;
      case next::stop:
        state_ = state::stopped;
        break;
    }
    input = input.subspan(here.taken);
  }
  here_ = nullptr;
  return all - input.size();
}

template <class OnPacket>
packet_reader::state packet_reader::feed(std::span<const std::byte> input, OnPacket&& on_packet) {
  // Complete what is kept with just the bytes that it lacks, then go on without copying.
  while (state_ == state::reading && size_ != 0 && !input.empty()) {
    const std::size_t take = missing(input);
    keep(input.first(take));
    input = input.subspan(take);
    if (consume(kept_bytes(), on_packet) != 0) release();
  }
  if (state_ == state::reading) input = input.subspan(consume(input, on_packet));
  if (state_ == state::reading || state_ == state::paused) {
    keep(input);
  } else {
    release();
  }
  return state_;
}

template <class OnPacket>
packet_reader::state packet_reader::resume(OnPacket&& on_packet) {
  if (state_ != state::paused) return state_;
  state_ = state::reading;
  if (size_ == 0) return state_;
  const auto old = std::move(buffer_);
  const std::span<const std::byte> bytes(old.get(), size_);
  release();
  return feed(bytes, on_packet);
}

}  // namespace vsoa::protocol
