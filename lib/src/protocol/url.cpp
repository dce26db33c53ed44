#include "vsoa/url.hpp"

#include <simdjson.h>

#include <random>

#include "vsoa/packet.hpp"
#include "vsoa/url_map.hpp"

namespace vsoa {

namespace {

// Most URLs are short and plain; for those the general check costs more than it finds.
bool is_ascii(std::string_view text) noexcept {
  unsigned char seen = 0;
  for (const char c : text)
    seen |= static_cast<unsigned char>(c);
  return seen < 0x80;
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
