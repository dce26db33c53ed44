#include "vsoa/url.hpp"

#include <simdjson.h>

#include "vsoa/packet.hpp"

namespace vsoa {

bool is_valid_url(std::string_view text) noexcept {
  if (text.empty() || text.front() != '/' || text.size() > max_url_bytes) return false;
  return simdjson::validate_utf8(text.data(), text.size());
}

bool url_matches(std::string_view pattern, std::string_view url) noexcept {
  if (pattern.empty()) return false;
  if (pattern == "/" || pattern == url) return true;
  if (pattern.back() != '/') return false;
  return url.starts_with(pattern) || url == pattern.substr(0, pattern.size() - 1);
}

}  // namespace vsoa
