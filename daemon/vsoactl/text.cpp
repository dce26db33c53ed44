#include "text.hpp"

#include <openssl/evp.h>
#include <simdjson.h>

#include <array>
#include <cstdio>

#include "config/json.hpp"

namespace vsoad::ctl {
namespace {

void append_escape(std::string& out, unsigned char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += "\\x";
  out += digits[byte >> 4U];
  out += digits[byte & 15U];
}

bool is_control(unsigned char c) {
  return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f;
}

// The C1 controls: U+0080 to U+009F, in UTF-8.
bool is_c1(std::string_view text, std::size_t at) {
  return text[at] == '\xC2' && at + 1 < text.size() &&
         static_cast<unsigned char>(text[at + 1]) < 0xA0;
}

std::string param_json(std::string_view param) {
  if (param.empty()) return "null";
  std::string compact(param.size(), '\0');
  std::size_t size = 0;
  simdjson::dom::parser parser;
  const bool valid =
      parser.parse(param.data(), param.size()).error() == simdjson::SUCCESS &&
      simdjson::minify(param.data(), param.size(), compact.data(), size) == simdjson::SUCCESS;
  if (!valid) return config::json_string(printable(param));
  compact.resize(size);
  return compact;
}

std::string three_digits(double value) {
  const int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
  std::array<char, 32> out{};
  std::snprintf(out.data(), out.size(), "%.*f", decimals, value);
  return out.data();
}

}  // namespace

std::string printable(std::string_view text) {
  const bool utf8 = simdjson::validate_utf8(text.data(), text.size());
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (is_control(c) || (c >= 0x80 && !utf8)) {
      append_escape(out, c);
    } else if (utf8 && is_c1(text, i)) {
      append_escape(out, static_cast<unsigned char>(text[++i]));
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string payload_members(vsoa::payload_view payload) {
  std::string out = "\"param\":" + param_json(payload.param) + ",\"data\":";
  return out += payload.data.empty() ? "null" : '"' + base64(payload.data) + '"';
}

std::string payload_text(vsoa::payload_view payload) {
  std::string out = printable(payload.param);
  if (payload.data.empty()) return out;
  if (!out.empty()) out += ' ';
  const std::size_t size = payload.data.size();
  return out += '<' + std::to_string(size) + (size == 1 ? " byte" : " bytes") + " of data>";
}

std::string base64(std::span<const std::byte> bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // and the zero that OpenSSL adds
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::string short_time(std::chrono::nanoseconds time) {
  const auto ns = static_cast<double>(time.count());
  if (ns < 999.5) return std::to_string(time.count()) + " ns";
  if (ns < 999.5e3) return three_digits(ns / 1e3) + " us";
  if (ns < 999.5e6) return three_digits(ns / 1e6) + " ms";
  return three_digits(ns / 1e9) + " s";
}

std::string short_number(double number) {
  if (number < 999.5) {
    return number == static_cast<int>(number) ? std::to_string(static_cast<int>(number))
                                              : three_digits(number);
  }
  if (number < 999.5e3) return three_digits(number / 1e3) + " k";
  return three_digits(number / 1e6) + " M";
}

std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t at = out.size(); at > 3; at -= 3)
    out.insert(at - 3, 1, ' ');
  return out;
}

std::string short_bytes(std::uint64_t bytes) {
  constexpr std::array<const char*, 6> units{" KiB", " MiB", " GiB", " TiB", " PiB", " EiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double size = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; size >= 1023.5 && unit + 1 < units.size(); ++unit)
    size /= 1024;
  return three_digits(size) + units[unit];
}

std::string short_span(std::chrono::seconds span) {
  constexpr std::array<std::pair<std::int64_t, const char*>, 4> units{
      {{86'400, " d"}, {3'600, " h"}, {60, " min"}, {1, " s"}}};
  std::int64_t rest = span.count();
  std::size_t first = 0;
  while (first + 1 < units.size() && rest < units[first].first)
    ++first;
  std::string out = std::to_string(rest / units[first].first) + units[first].second;
  rest %= units[first].first;
  if (first + 1 == units.size()) return out;
  return out + ' ' + std::to_string(rest / units[first + 1].first) + units[first + 1].second;
}

}  // namespace vsoad::ctl
