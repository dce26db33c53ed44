#include "vsoa/url.hpp"

#include <simdjson.h>

#include <cstdint>
#include <cstring>
#include <random>

#include "vsoa/packet.hpp"
#include "vsoa/url_map.hpp"

namespace vsoa {

namespace {

// Most URLs are short and plain; for those the general check costs more than it finds.
bool is_ascii(std::string_view text) noexcept {
  constexpr std::uint64_t high_bits = 0x8080808080808080;
  std::uint64_t seen = 0;
  while (text.size() >= sizeof seen) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), sizeof word);
    seen |= word;
    text.remove_prefix(sizeof word);
  }
  for (const char c : text)
    seen |= static_cast<unsigned char>(c);
  return (seen & high_bits) == 0;
}

}  // namespace

bool is_valid_url(std::string_view text) noexcept {
  if (text.empty() || text.front() != '/' || text.size() > max_url_bytes) return false;
  return is_ascii(text) || simdjson::validate_utf8(text.data(), text.size());
}

bool url_matches(std::string_view pattern, std::string_view url) noexcept {
  if (pattern.empty()) return false;
  if (pattern == "/" || pattern == url) return true;
  if (pattern.back() != '/') return false;
  return url.starts_with(pattern) || url == pattern.substr(0, pattern.size() - 1);
}

std::array<std::uint64_t, 4> detail::random_hash_keys() noexcept {
  std::random_device device;
  std::array<std::uint64_t, 4> keys{};
  for (auto& key : keys)
    key = (std::uint64_t{device()} << 32) | device() | 1;
  return keys;
}

}  // namespace vsoa
