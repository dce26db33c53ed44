#include "values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "ascii.hpp"
#include "suggest.hpp"
#include "vsoa/url.hpp"

namespace vsoad::config {

namespace {

constexpr std::size_t max_name_bytes = 64;
constexpr std::size_t max_service_bytes = 255;

struct unit {
  std::string_view suffix;
  std::uint64_t factor;
};
// From large to small: printing takes the first that divides.
constexpr std::array<unit, 4> durations{{{"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}}};
constexpr std::array<unit, 3> sizes{{{"GiB", 1U << 30}, {"MiB", 1U << 20}, {"KiB", 1U << 10}}};

/// Decimal digits, without sign and leading zeros: YAML 1.1 reads 010 as eight.
bool parse_number(std::string_view text, std::uint64_t& out) {
  if (text.empty() || !is_digit(text.front()) || (text.size() > 1 && text.front() == '0')) {
    return false;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

std::string out_of_range(const type_spec& type, std::string_view written) {
  return std::string(shown(written)) + " is out of range; allowed is " + range_text(type);
}

bool in_range(const type_spec& type, std::uint64_t n) {
  return n >= type.min && n <= type.max;
}

/// Within { } a variable can only be written in quotes.
bool may_be_no_text(const node& scalar) {
  return !scalar.text_only || scalar.variable;
}

std::string parse_boolean(const node& scalar, value& out) {
  out.flag = scalar.text == "true";
  if (may_be_no_text(scalar) && (out.flag || scalar.text == "false")) return {};
  return in_quotes(scalar.text) + " is not true or false; write true or false, without quotes";
}

std::string parse_integer(const type_spec& type, const node& scalar, value& out) {
  const auto word = std::find(type.words.begin(), type.words.end(), scalar.text);
  out.word = word != type.words.end();
  if (out.word) {
    out.text = scalar.text;
    return {};
  }
  if (!may_be_no_text(scalar)) {
    return in_quotes(scalar.text) + " is a text; write the number without quotes";
  }
  const bool digits =
      !scalar.text.empty() && std::all_of(scalar.text.begin(), scalar.text.end(), is_digit);
  if (!parse_number(scalar.text, out.number)) {
    if (digits && scalar.text.front() != '0') return out_of_range(type, scalar.text);
    if (digits) return in_quotes(scalar.text) + " starts with 0; write the number in plain decimal";
    std::string problem = in_quotes(scalar.text) + " is not a whole number";
    if (!type.words.empty()) problem += " or " + one_of(type.words);
    return problem + "; write it in plain decimal";
  }
  return in_range(type, out.number) ? std::string{} : out_of_range(type, scalar.text);
}

/// A number and one of `units`. False if it is not that; a number too large saturates.
template <std::size_t Count>
bool parse_with_unit(std::string_view text, const std::array<unit, Count>& units,
                     std::uint64_t& out) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  for (const unit& u : units) {
    if (text.substr(digits) != u.suffix) continue;
    if (!parse_number(text.substr(0, digits), out)) return false;
    const bool fits = out <= std::numeric_limits<std::uint64_t>::max() / u.factor;
    out = fits ? out * u.factor : std::numeric_limits<std::uint64_t>::max();
    return true;
  }
  return false;
}

std::string parse_duration(const type_spec& type, const node& scalar, value& out) {
  std::uint64_t bare = 0;
  if (parse_number(scalar.text, bare)) {
    return in_quotes(scalar.text) + " has no unit; write " + scalar.text + "s or " + scalar.text +
           "ms";
  }
  if (!parse_with_unit(scalar.text, durations, out.number)) {
    return in_quotes(scalar.text) + " is not a duration; write one such as 100ms, 5s, 2m or 1h";
  }
  if (!in_range(type, out.number)) return out_of_range(type, scalar.text);
  if (out.number % type.step != 0) {
    return in_quotes(scalar.text) + " is too fine; write a multiple of " +
           to_text(std::chrono::milliseconds{type.step});
  }
  out.duration = std::chrono::milliseconds{out.number};
  return {};
}

std::string parse_size(const type_spec& type, const node& scalar, value& out) {
  if (!parse_number(scalar.text, out.number) && !parse_with_unit(scalar.text, sizes, out.number)) {
    return in_quotes(scalar.text) +
           " is not a size; write bytes, or one such as 64KiB, 4MiB or 1GiB";
  }
  return in_range(type, out.number) ? std::string{} : out_of_range(type, scalar.text);
}

std::string parse_choice(const type_spec& type, const node& scalar, value& out) {
  const auto found = std::find(type.words.begin(), type.words.end(), scalar.text);
  if (found == type.words.end()) {
    return in_quotes(scalar.text) + " is not allowed here; write " + one_of(type.words) +
           did_you_mean(scalar.text, type.words);
  }
  out.number = static_cast<std::uint64_t>(found - type.words.begin());
  return {};
}

std::string parse_text(const type_spec& type, const node& scalar) {
  if (scalar.text.size() >= type.min && scalar.text.size() <= type.max) return {};
  if (scalar.text.empty()) return "is empty; write a text";
  return "has " + std::to_string(scalar.text.size()) + " bytes; allowed is " + range_text(type);
}

std::string parse_name(const node& scalar) {
  const std::string& text = scalar.text;
  const bool good = !text.empty() && text.size() <= max_name_bytes &&
                    (is_letter(text.front()) || is_digit(text.front())) &&
                    std::all_of(text.begin(), text.end(), [](char c) {
                      return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
                    });
  if (good) return {};
  return in_quotes(text) +
         " is not a name; write at most 64 letters, digits, \"_\", \"-\" and \".\", the first a "
         "letter or a digit";
}

/// Clients write it as the host of a URL: what would end a host there can't be in a name.
std::string parse_service(const node& scalar) {
  const std::string& text = scalar.text;
  const bool good = !text.empty() && text.size() <= max_service_bytes &&
                    std::all_of(text.begin(), text.end(), [](char c) {
                      return static_cast<unsigned char>(c) > 0x20 && c != 0x7F &&
                             std::string_view("/\\:@?#[]\"").find(c) == std::string_view::npos;
                    });
  if (good) return {};
  return in_quotes(text) +
         " is not a service name; write 1 to 255 bytes without spaces and without / \\ : @ ? # [ ] "
         "\"";
}

std::string parse_url(const node& scalar) {
  if (vsoa::is_valid_url(scalar.text)) return {};
  if (!scalar.text.starts_with('/')) {
    return in_quotes(scalar.text) + " is not a URL: it must start with \"/\"; write " +
           in_quotes("/" + scalar.text);
  }
  return in_quotes(scalar.text) + " is not a URL: it is longer than 65535 bytes";
}

/// Why a text that is not an address and a port is none.
std::string address_problem(std::string_view text) {
  std::uint64_t port = 0;
  if (parse_number(text, port)) {
    return in_quotes(text) + " is only a port; write the address too: \"0.0.0.0:" + shown(text) +
           "\", \"127.0.0.1:" + shown(text) + "\" or \"[::]:" + shown(text) + "\"";
  }
  if (const std::size_t colon = text.rfind(':'); colon != text.npos) {
    const std::string_view host = text.substr(0, colon);
    const std::string_view digits = text.substr(colon + 1);
    const auto ip = vsoa::ip_address::parse(host);
    // "::1:3000" is an IPv6 address, too, but hardly one that somebody means.
    if (ip && ip->v6 && digits.size() > 1 && parse_number(digits, port) && port <= 65535) {
      return in_quotes(text) + " needs brackets around the address; write \"[" + shown(host) +
             "]:" + shown(digits) + "\"";
    }
    if (ip && !ip->v6 && parse_number(digits, port)) {
      return "port " + shown(digits) + " is out of range; allowed is 0 to 65535";
    }
  }
  if (const auto ip = vsoa::ip_address::parse(text)) {
    return in_quotes(text) + " has no port; write one such as \"" +
           vsoa::socket_address{*ip, 3005}.to_string() + "\"";
  }
  return in_quotes(text) +
         " is not an address and a port; write one such as \"127.0.0.1:3005\" or \"[::1]:3005\"; "
         "host names are not looked up";
}

std::string parse_address(const type_spec& type, const node& scalar, value& out) {
  const auto port = type.port == 0 ? std::optional<std::uint16_t>{} : type.port;
  const auto parsed = vsoa::socket_address::parse(scalar.text, port);
  if (!parsed) return address_problem(scalar.text);
  if (type.what == kind::address && (parsed->port == 0 || parsed->ip.is_unspecified())) {
    return in_quotes(scalar.text) + " is nowhere; write the address and the port of the other side";
  }
  out.address = *parsed;
  return {};
}

std::string parse_ip(const node& scalar, value& out) {
  const auto parsed = vsoa::ip_address::parse(scalar.text);
  if (parsed && !parsed->is_unspecified()) {
    out.ip = *parsed;
    return {};
  }
  return in_quotes(scalar.text) +
         " is not an address that clients can reach; write one such as 192.168.1.5 or \"fd00::5\", "
         "without a port";
}

}  // namespace

std::string parse_value(const type_spec& type, const node& scalar, value& out) {
  switch (type.what) {
    case kind::boolean:
      return parse_boolean(scalar, out);
    case kind::integer:
      return parse_integer(type, scalar, out);
    case kind::duration:
      return parse_duration(type, scalar, out);
    case kind::size:
      return parse_size(type, scalar, out);
    default:
      break;
  }
  out.text = scalar.text;
  switch (type.what) {
    case kind::choice:
      return parse_choice(type, scalar, out);
    case kind::text:
    case kind::secret:
      return parse_text(type, scalar);
    case kind::name:
      return parse_name(scalar);
    case kind::service:
      return parse_service(scalar);
    case kind::url:
      return parse_url(scalar);
    case kind::listen:
    case kind::address:
      return parse_address(type, scalar, out);
    case kind::ip:
      return parse_ip(scalar, out);
    default:
      return {};
  }
}

node_ptr print_value(const type_spec& type, const value& v) {
  const auto plain_node = [&](std::string text) {
    return make_scalar(v.at, std::move(text), false);
  };
  switch (type.what) {
    case kind::boolean:
      return plain_node(v.flag ? "true" : "false");
    case kind::integer:
      return plain_node(v.word ? v.text : std::to_string(v.number));
    case kind::duration:
      return plain_node(to_text(v.duration));
    case kind::size:
      return plain_node(size_to_text(v.number));
    case kind::choice:
      return plain_node(v.text);
    case kind::listen:
    case kind::address:
      return make_scalar(v.at, v.address.to_string(), true);
    default:
      return make_scalar(v.at, v.text, true);
  }
}

std::string to_text(std::chrono::milliseconds duration) {
  const auto count = static_cast<std::uint64_t>(duration.count());
  if (count == 0) return "0s";
  for (const unit& u : durations) {
    if (count % u.factor == 0) return std::to_string(count / u.factor) + std::string(u.suffix);
  }
  return {};
}

std::string size_to_text(std::uint64_t bytes) {
  for (const unit& u : sizes) {
    if (bytes != 0 && bytes % u.factor == 0) {
      return std::to_string(bytes / u.factor) + std::string(u.suffix);
    }
  }
  return std::to_string(bytes);
}

}  // namespace vsoad::config
