#include "json.hpp"

#include <simdjson.h>

#include <algorithm>
#include <stdexcept>

#include "failure.hpp"

namespace files {
namespace {

using simdjson::dom::element;

constexpr std::uint64_t max_transfers = 256;
constexpr std::uint64_t max_idle_seconds = 3600;
constexpr std::uint64_t max_file_bytes = std::uint64_t{1} << 62U;

bool has_word(std::string_view words, std::string_view word) {
  const std::string all = " " + std::string(words) + " ";
  return all.find(" " + std::string(word) + " ") != std::string::npos;
}

template <class Value>
bool take(const element& from, Value& into) {
  return from.get(into) == simdjson::SUCCESS;
}

bool take_text(const element& from, std::string& into) {
  std::string_view text;
  if (!take(from, text)) return false;
  into = text;
  return true;
}

bool take_size(const element& from, std::optional<std::uint64_t>& into) {
  std::uint64_t number = 0;
  if (!take(from, number) || number > max_file_bytes) return false;
  into = number;
  return true;
}

bool take_offset(const element& from, std::uint64_t& into) {
  return take(from, into) && into <= max_file_bytes;
}

bool take_hash(const element& from, std::string& into) {
  if (!take_text(from, into) || into.size() != 64) return false;
  for (char& c : into) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
  }
  return true;
}

bool take_member(request& r, std::string_view key, const element& value) {
  if (key == "path") return take_text(value, r.path);
  if (key == "offset") return take_offset(value, r.offset);
  if (key == "length") return take_size(value, r.length);
  if (key == "size") return take_size(value, r.size);
  if (key == "sha256") return take_hash(value, r.sha256);
  if (key == "after") return take_text(value, r.after);
  return key == "checksum" && take(value, r.checksum);
}

void take_setting(settings& s, std::string_view key, const element& value) {
  const auto expect = [&](bool good, const char* what) {
    if (!good) throw std::invalid_argument(std::string(key) + " must be " + what);
  };
  if (key == "root") {
    expect(take_text(value, s.root) && s.root.starts_with("/"), "an absolute path");
  } else if (key == "writable") {
    expect(take(value, s.writable), "true or false");
  } else if (key == "max_size") {
    expect(take(value, s.max_size) && s.max_size <= max_file_bytes, "a number of bytes");
  } else if (key == "transfers") {
    expect(take(value, s.transfers) && s.transfers >= 1 && s.transfers <= max_transfers,
           "1 to 256");
  } else if (key == "idle_limit") {
    expect(take(value, s.idle_limit) && s.idle_limit >= 1 && s.idle_limit <= max_idle_seconds,
           "1 to 3600 seconds");
  } else {
    throw std::invalid_argument("unknown setting \"" + std::string(key) +
                                "\"; there are root, writable, max_size, transfers, idle_limit");
  }
}

}  // namespace

request read_request(std::string_view param, std::string_view known) {
  request r;
  simdjson::dom::parser parser;
  simdjson::dom::object members;
  if (param.empty()) return r;
  if (parser.parse(param.data(), param.size()).get(members) != simdjson::SUCCESS) {
    throw failure(status::arguments, "the param must be a JSON object");
  }
  for (const auto& [key, value] : members) {
    if (!has_word(known, key) || !take_member(r, key, value)) {
      throw failure(status::arguments, "unknown or wrong member of the param");
    }
  }
  return r;
}

settings read_settings(std::string_view config) {
  settings s;
  simdjson::dom::parser parser;
  simdjson::dom::object members;
  if (parser.parse(config.data(), config.size()).get(members) != simdjson::SUCCESS) {
    throw std::invalid_argument("the settings must be a mapping with a root");
  }
  for (const auto& [key, value] : members)
    take_setting(s, key, value);
  if (s.root.empty()) throw std::invalid_argument("the setting root is missing: a directory");
  return s;
}

std::string quoted(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace files
