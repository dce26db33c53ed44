// Hostile bytes on a connection: whoever sends them is cut off, nobody else notices.
#include <random>

#include "hostile.hpp"

namespace hostile_framing_test {

using namespace vsoa_test;

struct attack {
  std::string name;
  std::string bytes;
};

std::string lengths(std::uint16_t url, std::uint32_t param, std::uint32_t data,
                    std::uint8_t flags = 0) {
  const wire_header header{
      .flags = flags, .seqno = 1, .url_length = url, .param_length = param, .data_length = data};
  return header.bytes() + "/echo1234";
}

std::string first_byte(std::uint8_t magic) {
  std::string bytes = rpc(1, "/echo", "1").bytes();
  bytes[0] = static_cast<char>(magic);
  return bytes;
}

/// Each is fatal for its connection: the packet can't be read, or may not be so large.
std::vector<attack> fatal_attacks() {
  return {
      {"magic 0", first_byte(0x20)},
      {"magic 8", first_byte(0x28)},
      {"version 1", first_byte(0x19)},
      {"version 3", first_byte(0x39)},
      {"nibbles swapped", first_byte(0x92)},
      {"zeros", std::string(64, '\0')},
      {"an HTTP request", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a TLS client", from_hex("16030100c5010000c10303") + std::string(40, 'r')},
      {"one wrong byte", "X"},
      {"one byte too long: data", lengths(5, 0, 262144 - 20 - 5 + 1)},
      {"one byte too long: param", lengths(5, 262144 - 20 - 5 + 1, 0)},
      {"one byte too long: pad alone", lengths(5, 0, 262144 - 20 - 5, 0x40)},
      {"param 4 GiB", lengths(5, 0xFFFFFFFF, 0)},
      {"data 4 GiB", lengths(5, 0, 0xFFFFFFFF)},
      {"sum wraps to 23", lengths(2, 0, 0xFFFFFFFF, 0x80)},
      {"sum wraps to 20", lengths(0, 0x80000000, 0x80000000)},
      {"sum wraps to 19", lengths(0, 0xFFFFFFFF, 0xFFFFFFFF, 0xC0)},
      {"data makes up for the header", lengths(0, 0, 0xFFFFFFEC)},
      {"all lengths at their largest", lengths(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xC0)},
      {"2 GiB", lengths(5, 0, 0x7FFFFFFF)},
  };
}

TEST_CASE("what is no packet costs its sender the connection, before and after the handshake") {
  siege with;
  for (const attack& one : fatal_attacks()) {
    CAPTURE(one.name);
    for (const bool shaken : {false, true}) {
      CAPTURE(shaken);
      tcp_peer offender{with.server};
      if (shaken) offender.handshake();
      offender.send(one.bytes);
      CHECK_FALSE(offender.try_read(milliseconds{sanitized ? 3000 : 1000}));
      CHECK(offender.wait_end() != ending::none);
    }
  }
  with.newcomer_is_served();
  with.grew_at_most(4 * mebibyte);
}

TEST_CASE("packets that came before the bad one are answered") {
  siege with;
  tcp_peer offender{with.server};
  offender.handshake();
  offender.send(rpc(1, "/echo", "1"));
  CHECK(offender.read().param == "1");
  offender.send(rpc(2, "/echo", "2").bytes() + std::string(40, '\0'));
  // A reset may overtake the answer; if something arrives it must be right.
  if (const auto got = offender.try_read(patience)) CHECK(got->param == "2");
  CHECK(offender.wait_end() != ending::none);
}

TEST_CASE("garbage of any length") {
  siege with;
  std::mt19937 random{20240923};
  for (int round = 0; round < 200; ++round) {
    std::string bytes(random() % 400 + 1, '\0');
    for (char& c : bytes)
      c = static_cast<char>(random());
    // Every other one begins well and goes wrong later.
    if (round % 2 == 0) bytes[0] = 0x29;
    tcp_peer offender{with.server};
    if (round % 3 == 0) offender.handshake();
    offender.send_some(bytes);
    if (round % 5 == 0) offender.reset_connection();
  }
  with.newcomer_is_served();
}

TEST_CASE("valid packets with one byte changed") {
  siege with;
  std::mt19937 random{7};
  const std::string good = servinfo(0, "{}", 4242).bytes() + rpc(1, "/echo", "{}", "data").bytes() +
                           subscribe(2, "", R"(["/a","/b/"])").bytes() + ping(3).bytes();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(random());
    tcp_peer offender{with.server};
    offender.send_some(bytes);
  }
  with.newcomer_is_served();
}

TEST_CASE("half packets whose sender leaves") {
  siege with;
  const std::string whole = rpc(1, "/echo", "{\"a\":1}", std::string(1000, 'x')).bytes();
  for (std::size_t cut = 0; cut < whole.size(); cut += 13) {
    tcp_peer offender{with.server};
    if (cut % 2 == 0) offender.handshake();
    offender.send(std::string_view(whole).substr(0, cut));
    if (cut % 3 == 0) offender.reset_connection();
    if (cut % 3 == 1) {
      offender.shutdown_write();
      CHECK(offender.wait_end() != ending::none);
    }
  }
  with.newcomer_is_served();
}

TEST_CASE("half packets that stay cost the bytes that came, not those that were promised") {
  siege with;
  std::vector<tcp_peer> offenders;
  for (int i = 0; i < 150; ++i) {
    offenders.emplace_back(with.server).handshake();
    offenders.back().send(lengths(5, 0, 262144 - 20 - 5) + std::string(100, 'x'));
  }
  with.newcomer_is_served();
  // Promised: 37 MiB.
  with.grew_at_most(8 * mebibyte);
  CHECK(offenders.front().silent(milliseconds{10}));
}

TEST_CASE("who begins a packet must end it in time, where partial_timeout says so") {
  siege with("    limits: { partial_timeout: 200ms }\n");
  tcp_peer offender{with.server};
  offender.handshake();
  offender.send(lengths(5, 0, 1000));
  CHECK(offender.wait_end() != ending::none);
  tcp_peer idle{with.server};
  idle.handshake();
  CHECK(idle.silent(milliseconds{400}));
  CHECK(idle.ask(ping(1)).seqno == 1);
}

TEST_CASE("before the handshake nobody is given room for a large packet") {
  siege with;
  std::vector<tcp_peer> offenders;
  for (int i = 0; i < 100; ++i) {
    offenders.emplace_back(with.server);
    offenders.back().send_some(lengths(5, 0, 250000) + std::string(200000, 'x'));
  }
  for (auto& offender : offenders)
    CHECK(offender.wait_end() != ending::none);
  with.grew_at_most(8 * mebibyte);
}

TEST_CASE("a byte at a time is slow, but served") {
  siege with;
  tcp_peer slow{with.server};
  for (const packet& p : {servinfo(0, "{}"), rpc(1, "/echo", "1")}) {
    for (const char c : p.bytes())
      slow.send(std::string_view(&c, 1));
    CHECK(slow.read().status == status_success);
  }
}

TEST_CASE("an RPC before the handshake, where there is a password") {
  siege open;
  const daemon_runner guarded{one_service("    credentials: [ { role: u, password: p } ]\n")};
  for (int i = 0; i < 50; ++i) {
    tcp_peer offender{guarded.service()};
    CHECK(offender.ask(rpc(1, "/echo", "1")).status == status_password);
    CHECK(offender.wait_end() == ending::closed);
  }
  tcp_peer good{guarded.service()};
  good.handshake("p");
  CHECK(good.ask(rpc(1, "/echo", "1")).param == "1");
}

}  // namespace hostile_framing_test
