#include "protocol/position_message.hpp"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "protocol/param.hpp"

namespace vsoa::protocol {
namespace {

// Queries and answers are flat; whatever nests deeper than this is not one of them.
constexpr std::size_t max_depth = 8;

std::string_view trim_end(std::string_view text) {
  constexpr std::string_view ignorable("\0 \t\r\n", 5);
  const auto last = text.find_last_not_of(ignorable);
  return last == std::string_view::npos ? std::string_view{} : text.substr(0, last + 1);
}

position_domain to_domain(std::int64_t number) {
  if (number == 0 || number == -1) return position_domain::any;
  // Out of the range of int is as unknown as any other number.
  if (!std::in_range<int>(number)) number = std::numeric_limits<int>::max();
  return static_cast<position_domain>(number);
}

// Nothing: neither a number nor the text of one.
std::optional<position_domain> read_domain(const simdjson::dom::object& object) {
  simdjson::dom::element value;
  if (object["domain"].get(value) != simdjson::SUCCESS || value.is_null()) {
    return position_domain::any;
  }
  std::int64_t number = 0;
  if (value.get(number) == simdjson::SUCCESS) return to_domain(number);
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return {};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return {};
  return to_domain(number);
}

std::optional<ip_address> read_address(const simdjson::dom::object& object) {
  std::string_view text;
  if (object["addr"].get(text) != simdjson::SUCCESS) return {};
  // A scope names an interface of the machine that wrote it, which means nothing here.
  if (text.find('%') != std::string_view::npos) return {};
  return ip_address::parse(text);
}

std::optional<std::uint16_t> read_port(const simdjson::dom::object& object) {
  std::int64_t number = 0;
  if (object["port"].get(number) != simdjson::SUCCESS) return {};
  if (number < 1 || number > 65535) return {};
  return static_cast<std::uint16_t>(number);
}

std::optional<bool> read_security(const simdjson::dom::object& object) {
  simdjson::dom::element value;
  if (object["security"].get(value) != simdjson::SUCCESS || value.is_null()) return false;
  bool flag = false;
  if (value.get(flag) == simdjson::SUCCESS) return flag;
  std::int64_t number = 0;
  if (value.get(number) == simdjson::SUCCESS) return number != 0;
  return {};
}

}  // namespace

position_reader::position_reader() : parser_(max_position_message_bytes) {
  if (parser_.allocate(max_position_message_bytes, max_depth) != simdjson::SUCCESS) {
    throw std::bad_alloc();
  }
}

std::optional<simdjson::dom::object> position_reader::read_object(std::string_view datagram) {
  const auto text = trim_end(datagram);
  if (text.empty() || text.size() > max_position_message_bytes) return {};
  std::memcpy(text_.data(), text.data(), text.size());
  simdjson::dom::object object;
  if (parser_.parse(text_.data(), text.size(), false).get(object) != simdjson::SUCCESS) return {};
  return object;
}

std::optional<position_question> position_reader::read_query(std::string_view datagram) {
  const auto object = read_object(datagram);
  if (!object) return {};
  // An answer has a name as well. Taken for a query, one forged datagram would make two servers
  // answer each other for ever.
  if ((*object)["addr"].error() == simdjson::SUCCESS) return {};
  std::string_view name;
  if ((*object)["name"].get(name) != simdjson::SUCCESS) return {};
  if (!is_valid_position_name(name)) return {};
  const auto domain = read_domain(*object);
  if (!domain) return {};
  return position_question{std::string(name), *domain};
}

position_answer position_reader::read_answer(std::string_view datagram) {
  const auto object = read_object(datagram);
  if (!object) return {};
  if (object->size() == 0) return {position_answer_kind::unknown, {}};
  const auto address = read_address(*object);
  const auto port = read_port(*object);
  const auto secure = read_security(*object);
  const auto domain = read_domain(*object);
  if (!address || !port || !secure || !domain || !domain_matches(*domain, *address)) return {};
  position_entry entry{{}, {*address, *port}, *secure};
  std::string_view name;
  if ((*object)["name"].get(name) == simdjson::SUCCESS) entry.name = name;
  return {position_answer_kind::known, std::move(entry)};
}

position_domain domain_of(const ip_address& address) noexcept {
  return address.v6 ? position_domain::inet6 : position_domain::inet;
}

bool domain_matches(position_domain domain, const ip_address& address) noexcept {
  return domain == position_domain::any || domain == domain_of(address);
}

bool is_valid_position_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= max_position_name_bytes &&
         simdjson::validate_utf8(name.data(), name.size());
}

std::optional<std::string> write_position_query(std::string_view name, position_domain domain) {
  if (!is_valid_position_name(name)) return {};
  std::string out = "{\"name\":";
  append_json_string(out, name);
  if (domain != position_domain::any) {
    out += ",\"domain\":" + std::to_string(static_cast<int>(domain));
  }
  out += '}';
  return out;
}

std::optional<std::string> write_position_answer(const position_entry& entry) {
  if (!is_valid_position_name(entry.name) || entry.address.port == 0) return {};
  auto ip = entry.address.ip;
  ip.scope_id = 0;  // says nothing to another machine
  std::string out = "{\"name\":";
  append_json_string(out, entry.name);
  out += ",\"domain\":" + std::to_string(static_cast<int>(domain_of(ip)));
  out += ",\"addr\":\"" + ip.to_string();
  out += "\",\"port\":" + std::to_string(entry.address.port);
  out += ",\"security\":";
  out += entry.secure ? "true}" : "false}";
  if (out.size() >= max_position_answer_bytes) return {};
  return out;
}

}  // namespace vsoa::protocol
