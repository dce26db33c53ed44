#include "dialects.hpp"

#include <charconv>
#include <stdexcept>

namespace bench {
namespace {

constexpr std::string_view line_end = "\r\n";

std::string_view text_of(const std::uint8_t* at, std::size_t bytes) {
  return {reinterpret_cast<const char*>(at), bytes};
}

// The first line with its end; empty when the end is not there.
std::string_view line_of(std::string_view text) {
  const std::size_t end = text.find(line_end);
  if (end == std::string_view::npos) return {};
  return text.substr(0, end + line_end.size());
}

std::size_t number_in(std::string_view digits) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc()) throw std::runtime_error("not a number: " + std::string(digits));
  return value;
}

// Reads a blocking socket until what came ends like this.
void expect_end(const session& on, std::string_view wanted) {
  std::string got;
  while (!got.ends_with(wanted)) {
    std::uint8_t byte = 0;
    if (read_some(on.tcp.get(), &byte, 1) == 0 || got.starts_with('-'))
      throw std::runtime_error("refused or not answered: " + got);
    got += static_cast<char>(byte);
  }
}

std::string bulk(std::string_view text) {
  return '$' + std::to_string(text.size()) + "\r\n" + std::string(text) + "\r\n";
}

std::string mqtt_text(std::string_view text) {
  std::string out = {static_cast<char>(text.size() >> 8), static_cast<char>(text.size())};
  return out.append(text);
}

std::string mqtt_packet(std::uint8_t head, std::string_view body) {
  std::string out(1, static_cast<char>(head));
  std::size_t left = body.size();
  do {
    out += static_cast<char>((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>= 7;
  } while (left > 0);
  return out.append(body);
}

}  // namespace

std::string vsoa_dialect::request(std::uint32_t seqno, std::string_view url,
                                  std::string_view payload) {
  return build_packet({packet_type::rpc, seqno, 0, url, {}, payload});
}

std::string vsoa_dialect::publish(std::string_view url, std::string_view payload) {
  return build_packet({packet_type::datagram, 0, 0, url, {}, payload});
}

// --- Redis ---

message resp_dialect::parse(const std::uint8_t* at, std::size_t bytes) {
  const std::string_view text = text_of(at, bytes);
  std::string_view line = line_of(text);
  if (line.empty()) return {};
  if (line[0] == '-') throw std::runtime_error("refused: " + std::string(line));
  message found;
  std::size_t elements = 1;
  if (line[0] == '*') {
    elements = number_in(line.substr(1));
    found.total_bytes = line.size();
    found.type = packet_type::publish;
  }
  for (; elements > 0; --elements) {
    if (found.total_bytes > bytes) return {};
    line = line_of(text.substr(found.total_bytes));
    if (line.empty()) return {};
    found.total_bytes += line.size();
    found.counts = line[0] == '$';
    if (!found.counts) continue;
    found.payload_offset = found.total_bytes;
    found.payload_bytes = number_in(line.substr(1));
    found.total_bytes += found.payload_bytes + line_end.size();
  }
  return found;
}

session resp_dialect::open(const address& at) {
  session opened;
  opened.tcp = connect_tcp(at);
  return opened;
}

void resp_dialect::subscribe(const session& on, std::string_view url) {
  write_all(on.tcp.get(), "*2\r\n" + bulk("SUBSCRIBE") + bulk(url));
  expect_end(on, bulk(url) + ":1\r\n");
}

std::string resp_dialect::request(std::uint32_t, std::string_view, std::string_view payload) {
  return "*2\r\n" + bulk("ECHO") + bulk(payload);
}

std::string resp_dialect::publish(std::string_view url, std::string_view payload) {
  return "*3\r\n" + bulk("PUBLISH") + bulk(url) + bulk(payload);
}

// --- NATS ---

message nats_dialect::parse(const std::uint8_t* at, std::size_t bytes) {
  const std::string_view line = line_of(text_of(at, bytes));
  if (line.empty()) return {};
  if (line[0] == '-') throw std::runtime_error("refused: " + std::string(line));
  message found;
  found.total_bytes = line.size();
  found.counts = line.starts_with("MSG ");
  if (!found.counts) return found;
  found.type = packet_type::publish;
  found.payload_offset = line.size();
  found.payload_bytes = number_in(line.substr(line.rfind(' ') + 1));
  found.total_bytes += found.payload_bytes + line_end.size();
  return found;
}

session nats_dialect::open(const address& at) {
  session opened;
  opened.tcp = connect_tcp(at);
  expect_end(opened, line_end);  // INFO
  write_all(opened.tcp.get(), "CONNECT {\"verbose\":false,\"pedantic\":false}\r\nPING\r\n");
  expect_end(opened, "PONG\r\n");
  return opened;
}

void nats_dialect::subscribe(const session& on, std::string_view url) {
  write_all(on.tcp.get(), "SUB " + std::string(url) + " 1\r\nPING\r\n");
  expect_end(on, "PONG\r\n");
}

std::string nats_dialect::publish(std::string_view url, std::string_view payload) {
  return "PUB " + std::string(url) + ' ' + std::to_string(payload.size()) + "\r\n" +
         std::string(payload) + "\r\n";
}

// --- MQTT ---

message mqtt_dialect::parse(const std::uint8_t* at, std::size_t bytes) {
  std::size_t head = 1;
  std::size_t rest = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (head >= bytes) return {};
    rest |= static_cast<std::size_t>(at[head] & 0x7fU) << shift;
    if ((at[head++] & 0x80U) == 0) break;
  }
  message found;
  found.counts = (at[0] & 0xf0U) == 0x30;
  if (found.counts) {
    if (head + 2 > bytes) return {};
    found.type = packet_type::publish;
    const std::size_t before_payload = 2U + load_u16(at + head);
    found.payload_offset = head + before_payload;
    found.payload_bytes = rest - before_payload;
  }
  found.total_bytes = head + rest;
  return found;
}

session mqtt_dialect::open(const address& at) {
  session opened;
  opened.tcp = connect_tcp(at);
  // Version 4, clean session, no keep-alive, no name.
  const std::string body = mqtt_text("MQTT") + std::string("\x04\x02\0\0", 4) + mqtt_text({});
  write_all(opened.tcp.get(), mqtt_packet(0x10, body));
  expect_end(opened, std::string("\x20\x02\0\0", 4));
  return opened;
}

void mqtt_dialect::subscribe(const session& on, std::string_view url) {
  const std::string id("\0\x01", 2);
  write_all(on.tcp.get(), mqtt_packet(0x82, id + mqtt_text(url) + '\0'));
  expect_end(on, "\x90\x03" + id + '\0');
}

std::string mqtt_dialect::publish(std::string_view url, std::string_view payload) {
  return mqtt_packet(0x30, mqtt_text(url).append(payload));
}

}  // namespace bench
