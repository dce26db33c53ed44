#include "protocol/packet_train.hpp"

#include <algorithm>
#include <cstring>

#include "protocol/encoder.hpp"
#include "protocol/wire.hpp"
#include "vsoa/url_cache.hpp"

namespace vsoa::protocol {
namespace {

constexpr std::size_t piece_bytes = 4096;

// An encoded header in registers: from memory that was written byte by byte, it would be waited for
// each time.
class header_words {
 public:
  explicit header_words(const std::byte* header) noexcept {
    std::memcpy(&first_, header, sizeof first_);
    std::memcpy(&second_, header + sizeof first_, sizeof second_);
    std::memcpy(&third_, header + sizeof first_ + sizeof second_, sizeof third_);
  }
  void write(std::byte* out) const noexcept {
    std::memcpy(out, &first_, sizeof first_);
    std::memcpy(out + sizeof first_, &second_, sizeof second_);
    std::memcpy(out + sizeof first_ + sizeof second_, &third_, sizeof third_);
  }

 private:
  std::uint64_t first_;
  std::uint64_t second_;
  std::uint32_t third_;
};
static_assert(sizeof(std::uint64_t) * 2 + sizeof(std::uint32_t) == header_bytes);

// The bits of a packet's last four bytes that are not pad, in the order of memory.
std::uint32_t kept_of_last_word(std::byte flags) noexcept {
  const unsigned pad = std::to_integer<unsigned>(flags) >> pad_shift;
  return big_endian(static_cast<std::uint32_t>(0xFFFFFFFFU << (8 * pad)));
}

void mask_word(std::byte* word, std::uint32_t kept) noexcept {
  std::uint32_t w = 0;
  std::memcpy(&w, word, sizeof w);
  w &= kept;
  std::memcpy(word, &w, sizeof w);
}

}  // namespace

packet_train train_at(std::span<const std::byte> input, std::size_t packet_bytes,
                      std::size_t head_bytes) noexcept {
  packet_train train{input.data(), packet_bytes, 1};
  const std::size_t whole = input.size() / packet_bytes;
  const std::byte* next = train.first + packet_bytes;
  for (; train.count < whole && vsoa::detail::same_bytes(train.first, next, head_bytes);
       next += packet_bytes)
    ++train.count;
  return train;
}

void encode_train(const packet_view& head, const packet_train& train, std::size_t some,
                  std::byte* out) noexcept {
  const std::size_t bytes = train.packet_bytes;
  encode(head, out);
  const header_words header(out);
  const std::uint32_t kept = kept_of_last_word(out[offset::flags]);
  // Copied a piece at a time, which is still in the nearest cache when its headers are written.
  const std::size_t piece = std::max<std::size_t>(1, piece_bytes / bytes);
  for (std::size_t done = 0; done < some; done += piece) {
    const std::size_t now = std::min(piece, some - done);
    std::memcpy(out, train.first + done * bytes, now * bytes);
    for (const std::byte* end = out + now * bytes; out != end; out += bytes) {
      header.write(out);
      mask_word(out + bytes - sizeof kept, kept);
    }
  }
}

}  // namespace vsoa::protocol
