#include "control/json_writer.hpp"

#include <simdjson.h>

#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "config/json.hpp"

namespace vsoad::control {
namespace {

// Each byte that is no ASCII becomes a question mark: such text is nobody's to read anyway.
std::string quoted(std::string_view text) {
  if (simdjson::validate_utf8(text.data(), text.size())) return config::json_string(text);
  std::string clean(text);
  for (char& c : clean) {
    if (static_cast<unsigned char>(c) >= 0x80) c = '?';
  }
  return config::json_string(clean);
}

}  // namespace

void json_writer::begin(std::string_view name) {
  if (!is_first_) out_ += ',';
  is_first_ = false;
  if (!name.empty()) out_ += quoted(name) + ':';
}

void json_writer::open(std::string_view name, char bracket) {
  begin(name);
  out_ += bracket;
  closers_ += bracket == '{' ? '}' : ']';
  is_first_ = true;
}

void json_writer::close() {
  out_ += closers_.back();
  closers_.pop_back();
  is_first_ = false;
}

void json_writer::raw(std::string_view name, std::string_view json) {
  begin(name);
  out_ += json;
}

void json_writer::field(std::string_view name, std::string_view text) {
  raw(name, quoted(text));
}

void json_writer::field(std::string_view name, double number) {
  if (!std::isfinite(number)) return null(name);
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  raw(name, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

void json_writer::item(std::string_view text) {
  raw({}, quoted(text));
}

std::string json_writer::take() {
  while (!closers_.empty())
    close();
  is_first_ = true;
  return std::exchange(out_, {});
}

}  // namespace vsoad::control
