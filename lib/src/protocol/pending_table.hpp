// Requests whose answer is awaited, by sequence number: 16 bits, in turns, one that still waits is
// left out, and so is one whose answer may come late. No I/O, no clock, and no allocation while the
// number of requests stays what it was. Source: the wire notes, lib/README.md, "The client".
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/late_numbers.hpp"
#include "vsoa/packet.hpp"

namespace vsoa::protocol {

/// @tparam Request  a pointer to what waits
template <class Request>
class pending_table {
 public:
  static constexpr std::size_t numbers = 65536;

  /// The sequence number under which `what` is to be asked. Nothing: all wait already.
  [[gnu::always_inline]] std::optional<std::uint16_t> add(packet_type type, Request what) {
    if (size_ == numbers) return {};
    if (2 * (size_ + 1) > slots_.size() && slots_.size() < numbers) grow();
    while (late_.size() + size_ >= numbers)
      late_.forget_oldest(next_);
    // A number whose slot is taken by another that waits is left out as well. There is one: unless
    // there is a slot for each number, half of them are free, and fewer numbers late.
    while (slot_of(next_).what != Request{} || late_.contains(next_))
      ++next_;
    slot_of(next_) = {what, next_, type};
    ++size_;
    return next_++;
  }
  /// Who waits for this answer, and waits no more. Null: nobody, or it is of another type, which
  /// is no answer to what was asked.
  Request take(std::uint32_t seqno, packet_type type) {
    if (seqno >= numbers || slots_.empty()) return {};
    const auto number = static_cast<std::uint16_t>(seqno);
    slot& s = slot_of(number);
    if (s.what == Request{} || s.seqno != seqno) {
      late_.erase(number);
      return {};
    }
    if (s.type != type) return {};
    --size_;
    return std::exchange(s.what, Request{});
  }
  /// What has this number waits no more, but its answer may come: none that is asked soon has it.
  void give_up(std::uint16_t seqno) {
    slot& s = slot_of(seqno);
    if (s.what == Request{} || s.seqno != seqno) return;
    s.what = Request{};
    --size_;
    late_.insert(seqno, next_);
  }
  /// No answer to what was given up can come any more.
  void forget_late() noexcept { late_.clear(); }
  std::size_t size() const noexcept { return size_; }

 private:
  struct slot {
    Request what{};
    std::uint16_t seqno = 0;
    packet_type type{};
  };
  static constexpr std::size_t fewest = 16;

  slot& slot_of(std::uint16_t seqno) noexcept { return slots_[seqno & (slots_.size() - 1)]; }

  // Twice the slots: numbers that were apart stay apart.
  void grow() {
    std::vector<slot> old(slots_.empty() ? fewest : 2 * slots_.size());
    old.swap(slots_);
    for (const slot& each : old) {
      if (each.what != Request{}) slot_of(each.seqno) = each;
    }
  }

  std::vector<slot> slots_;  // a power of two; a request is in that of its number's low bits
  std::size_t size_ = 0;
  late_numbers late_;
  std::uint16_t next_ = 1;  // the handshake is number 0
};

/// Numbers of requests whose answer nobody waits for: apart from all those above.
class unanswered_numbers {
 public:
  std::uint32_t next() noexcept {
    if (++last_ == 0) last_ = 1;
    return std::uint32_t{last_} << 16;
  }

 private:
  std::uint16_t last_ = 0;
};

}  // namespace vsoa::protocol
