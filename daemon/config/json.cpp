#include "json.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "ascii.hpp"

namespace vsoad::config {

namespace {

/// A number in the notation of YAML, cut into its parts.
struct number_parts {
  bool negative = false;
  std::string_view whole, fraction, exponent;
  bool is_integer = false;
};

std::string_view take_digits(std::string_view& rest) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), is_digit);
  const std::string_view out = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(out.size());
  return out;
}

bool split_number(std::string_view text, number_parts& out) {
  if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
    out.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  out.whole = take_digits(text);
  out.is_integer = text.empty();
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    out.fraction = take_digits(text);
  }
  if (out.whole.empty() && out.fraction.empty()) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  const std::string_view exponent = text.substr(1);
  std::string_view digits = exponent;
  if (!digits.empty() && (digits.front() == '-' || digits.front() == '+')) digits.remove_prefix(1);
  if (take_digits(digits).empty() || !digits.empty()) return false;
  out.exponent = exponent;
  return true;
}

bool fits_64_bits(const number_parts& n) {
  std::uint64_t magnitude = 0;
  const auto [end, error] =
      std::from_chars(n.whole.data(), n.whole.data() + n.whole.size(), magnitude);
  return error == std::errc{} && (!n.negative || magnitude <= (std::uint64_t{1} << 63U));
}

json_scalar number_to_json(const number_parts& n, std::string_view written) {
  if (n.whole.size() > 1 && n.whole.front() == '0') {
    return {{}, in_quotes(written) + " starts with 0; write it in plain decimal, or in quotes"};
  }
  std::string out = n.negative ? "-" : "";
  out += n.whole.empty() ? "0" : n.whole;
  if (!n.fraction.empty()) out.append(".").append(n.fraction);
  if (!n.exponent.empty()) out.append("e").append(n.exponent);
  double number = 0;
  const auto [end, error] = std::from_chars(out.data(), out.data() + out.size(), number);
  if (error != std::errc{} || (n.is_integer && !fits_64_bits(n))) {
    return {{}, in_quotes(written) + " is too large for a number; write it in quotes"};
  }
  return {out, {}};
}

/// What YAML 1.1 takes for something else than YAML 1.2 does. Whichever was meant, it can be said
/// so.
std::string ambiguity(std::string_view text) {
  static constexpr std::array<std::string_view, 6> booleans{"yes", "no",   "on",
                                                            "off", "true", "false"};
  const std::string word = lower(text);
  if (std::find(booleans.begin(), booleans.end(), word) != booleans.end()) {
    return in_quotes(text) + " could be a boolean; write true or false, or write it in quotes";
  }
  const std::string digits = word.substr(word.find_first_not_of("+-") == 1 ? 1 : 0);
  if (digits.size() > 2 &&
      (digits.starts_with("0x") || digits.starts_with("0o") || digits.starts_with("0b")) &&
      digits.find_first_not_of("0123456789abcdef", 2) == std::string::npos) {
    return in_quotes(text) + " could be a number; write it in plain decimal, or in quotes";
  }
  if (digits == ".inf" || word == ".nan") {
    return in_quotes(text) + " is no number to JSON; write it in quotes";
  }
  return {};
}

void append(const node& tree, std::string& out) {
  switch (tree.type) {
    case node::kind::null:
      out += "null";
      return;
    case node::kind::scalar:
      out += scalar_to_json(tree).text;
      return;
    case node::kind::sequence: {
      char separator = '[';
      for (const node_ptr& item : tree.items) {
        out += separator;
        append(*item, out);
        separator = ',';
      }
      out += tree.items.empty() ? "[]" : "]";
      return;
    }
    case node::kind::map: {
      char separator = '{';
      for (const member& m : tree.members) {
        out += separator;
        out += json_string(m.key) + ':';
        append(*m.value, out);
        separator = ',';
      }
      out += tree.members.empty() ? "{}" : "}";
      return;
    }
  }
}

}  // namespace

json_scalar scalar_to_json(const node& scalar) {
  const std::string& text = scalar.text;
  if (scalar.text_only) return {json_string(text), {}};
  if (text == "true" || text == "false") return {text, {}};
  number_parts number;
  if (split_number(text, number)) return number_to_json(number, text);
  if (std::string problem = ambiguity(text); !problem.empty()) return {{}, std::move(problem)};
  return {json_string(text), {}};
}

std::string to_json(const node& tree) {
  std::string out;
  append(tree, out);
  return out;
}

std::string json_string(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += "\\u00";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace vsoad::config
