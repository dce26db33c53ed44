// Patterns that say which certificates are meant.
#include <algorithm>

#include "vsoa/tls.hpp"

namespace vsoa {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_text(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

// Up to the next comma that is not escaped; takes it and the comma off `rest`.
std::string_view next_part(std::string_view& rest) {
  std::size_t at = 0;
  while (at < rest.size() && rest[at] != ',')
    at += rest[at] == '\\' ? 2 : 1;
  at = std::min(at, rest.size());
  const std::string_view part = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return part;
}

// Goes back to the last `*` where the text does not fit: linear but for patterns with many of them.
bool fits(std::string_view text, std::string_view pattern, bool any_case) {
  std::size_t t = 0, p = 0;
  std::size_t star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
      continue;
    }
    const bool escaped = p + 1 < pattern.size() && pattern[p] == '\\';
    const std::size_t plain = escaped ? p + 1 : p;
    const bool same = plain < pattern.size() &&
                      ((pattern[plain] == '?' && !escaped) || pattern[plain] == text[t] ||
                       (any_case && lower(pattern[plain]) == lower(text[t])));
    if (same) {
      ++t;
      p = plain + 1;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

bool has_part(const certificate_info& cert, std::string_view part) {
  const std::size_t equals = part.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view type = part.substr(0, equals);
  const std::string_view pattern = part.substr(equals + 1);
  const bool any_case = same_text(type, "DNS") || same_text(type, "email");
  const auto meant = [&](const certificate_name& n) {
    return same_text(n.type, type) && fits(n.value, pattern, any_case);
  };
  return std::any_of(cert.subject.begin(), cert.subject.end(), meant) ||
         std::any_of(cert.alternative_names.begin(), cert.alternative_names.end(), meant);
}

}  // namespace

bool matches(const certificate_info& certificate, std::string_view pattern) {
  if (!pattern_problem(pattern).empty()) return false;
  while (!pattern.empty()) {
    if (!has_part(certificate, next_part(pattern))) return false;
  }
  return true;
}

std::string pattern_problem(std::string_view pattern) {
  if (pattern.empty()) return "is empty";
  if (pattern.back() == ',') return "ends with a comma";
  while (!pattern.empty()) {
    const std::string_view part = next_part(pattern);
    const std::size_t equals = part.find('=');
    if (equals == 0 || equals == std::string_view::npos || equals + 1 == part.size()) {
      return '"' + std::string(part) + "\" is not of the form TYPE=TEXT, such as CN=gateway*";
    }
    if (part.back() == '\\' && part[part.size() - 2] != '\\')
      return "ends in the middle of an escape";
  }
  return {};
}

}  // namespace vsoa
