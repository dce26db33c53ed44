#include "protocol/param.hpp"

#include <simdjson.h>

namespace vsoa::protocol {
namespace {

// Documents above this are no handshake and no list that the limits would admit.
constexpr std::size_t max_param_bytes = std::size_t{1} << 20;

// A parser keeps its memory for the next document. The DOM, since all of the text must be valid.
simdjson::simdjson_result<simdjson::dom::element> parse(std::string_view text) {
  thread_local simdjson::dom::parser parser(max_param_bytes);
  if (text.empty() || text.size() > max_param_bytes) return simdjson::CAPACITY;
  if (parser.capacity() < text.size() || parser.max_depth() != max_json_depth) {
    if (const auto error = parser.allocate(text.size(), max_json_depth)) return error;
  }
  return parser.parse(text.data(), text.size(), true);
}

}  // namespace

std::optional<std::string> read_password(std::string_view param) {
  std::string_view password;
  if (parse(param)["passwd"].get(password) != simdjson::SUCCESS) return {};
  return std::string(password);
}

std::optional<std::vector<std::string>> read_url_list(std::string_view param) {
  simdjson::dom::array list;
  if (parse(param).get(list) != simdjson::SUCCESS) return {};
  std::vector<std::string> urls;
  for (const simdjson::dom::element entry : list) {
    std::string_view url;
    if (entry.get(url) != simdjson::SUCCESS) return {};
    urls.emplace_back(url);
  }
  return urls;
}

bool is_json(std::string_view text) {
  return parse(text).error() == simdjson::SUCCESS;
}

bool is_json_null(std::string_view text) {
  simdjson::dom::element value;
  return parse(text).get(value) == simdjson::SUCCESS && value.is_null();
}

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4];
      out += digits[byte & 0xF];
    } else {
      out += c;
    }
  }
  out += '"';
}

}  // namespace vsoa::protocol
