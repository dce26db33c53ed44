// Packets captured from official clients, replayed against vsoad: each must be understood.
#include <doctest/doctest.h>
#include <simdjson.h>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace replay_test {

using namespace vsoa_test;

struct captured {
  std::string name;
  std::string bytes;
};

std::string text_of(const simdjson::dom::element& element, const char* key) {
  std::string_view out;
  return element[key].get(out) == simdjson::SUCCESS ? std::string(out) : std::string{};
}

/// Large packets are stored as head, length and zeros.
std::string bytes_of(const simdjson::dom::element& entry) {
  if (const std::string hex = text_of(entry, "hex"); !hex.empty()) return from_hex(hex);
  std::string bytes = from_hex(text_of(entry, "head_hex"));
  bytes.resize(static_cast<std::size_t>(std::uint64_t{entry["length"]}), '\0');
  return bytes;
}

/// The packets that clients sent by TCP in one captured run, in order.
std::vector<captured> client_packets(const std::string& file) {
  simdjson::dom::parser parser;
  std::vector<captured> out;
  for (const auto entry : parser.load(VSOA_TEST_SOURCE_DIR "/vectors/" + file).get_array())
    if (text_of(entry, "channel") == "tcp" && text_of(entry, "direction") == "c2s")
      out.push_back({text_of(entry, "name"), bytes_of(entry)});
  return out;
}

// The captured servers had handlers for everything: here the echo plugin's default command is one.
const std::string server = R"(services:
  - name: main
    listen: "127.0.0.1:0"
    commands: { /: { plugin: echo, command: / } }
)";

bool is_answered(std::uint8_t type) {
  return type == type_servinfo || type == type_rpc || type == type_subscribe ||
         type == type_unsubscribe || type == type_pingecho;
}

void check_answer(tcp_peer& client, const packet& sent) {
  const packet reply = client.read();
  CHECK(reply.type == sent.type);
  CHECK(reply.flags == flag_reply);
  CHECK(reply.seqno == sent.seqno);
  if (sent.type == type_rpc) {
    CHECK(reply.status == status_success);
    CHECK(reply.param == sent.param);
    CHECK(reply.data == sent.data);
  }
}

/// Reads what a client sent; unlike ours, its pad bytes need not be zero.
packet understand(std::string bytes) {
  const std::size_t pad = static_cast<unsigned char>(bytes[2]) >> 6;
  for (std::size_t i = 1; i <= pad; ++i)
    bytes[bytes.size() - i] = '\0';
  std::size_t used = 0;
  auto found = parse_packet(bytes, used);
  REQUIRE(found);
  REQUIRE(used == bytes.size());
  return *found;
}

TEST_CASE("whole runs of official clients are answered, packet by packet") {
  const daemon_runner vsoad{with_plugins(server)};
  for (const char* file : {"pair_node_node.json", "pair_node_py.json", "pair_py_node.json",
                           "pair_py_py.json", "quick_cid.json"}) {
    CAPTURE(std::string(file));
    const auto packets = client_packets(file);
    REQUIRE(packets.size() > 3);
    tcp_peer client{vsoad.service()};
    client.handshake();
    for (const captured& one : packets) {
      CAPTURE(one.name);
      const packet sent = understand(one.bytes);
      client.send(one.bytes);
      if (is_answered(sent.type)) check_answer(client, sent);
    }
    CHECK(client.ask(ping(1)).seqno == 1);
  }
}

TEST_CASE("the same runs in one piece, and cut into single bytes") {
  const daemon_runner vsoad{with_plugins(server)};
  for (const bool cut : {false, true}) {
    std::string stream;
    std::vector<packet> expected;
    for (const auto& [name, bytes] : client_packets("pair_node_py.json")) {
      // The largest packets byte by byte would only be slow.
      if (cut && bytes.size() > 4096) continue;
      const packet sent = understand(bytes);
      stream += bytes;
      if (is_answered(sent.type)) expected.push_back(sent);
    }
    tcp_peer client{vsoad.service()};
    for (std::size_t at = 0; cut && at < stream.size(); ++at)
      client.send(std::string_view(stream).substr(at, 1));
    if (!cut) client.send(stream);
    for (const auto& sent : expected)
      check_answer(client, sent);
  }
}

TEST_CASE("captured handshakes: the right password is known, the wrong one refused") {
  const daemon_runner vsoad{
      one_service("    credentials: [ { role: u, password: \"123456\" } ]\n")};
  int seen = 0;
  for (const captured& one : client_packets("handshake.json")) {
    CAPTURE(one.name);
    const bool good = one.name.find("passwd-ok") != std::string::npos;
    const bool bad = one.name.find("passwd-wrong") != std::string::npos ||
                     one.name.find("passwd-missing") != std::string::npos;
    if (!good && !bad) continue;
    ++seen;
    tcp_peer client{vsoad.service()};
    client.send(one.bytes);
    const packet reply = client.read();
    CHECK(reply.type == type_servinfo);
    CHECK(reply.status == (good ? status_success : status_password));
  }
  CHECK(seen >= 9);
}

TEST_CASE("hand-made input that official servers were given leaves vsoad alive") {
  const daemon_runner vsoad{with_plugins(server)};
  simdjson::dom::parser parser;
  std::size_t count = 0;
  for (const auto entry : parser.load(VSOA_TEST_SOURCE_DIR "/vectors/exchanges.json").get_array()) {
    tcp_peer client{vsoad.service()};
    if (bool{entry["handshaken"]}) client.handshake();
    for (const std::string_view hex : simdjson::dom::array(entry["send"]))
      client.send_some(from_hex(hex));
    ++count;
  }
  CHECK(count > 100);
  tcp_peer client{vsoad.service()};
  client.handshake();
  CHECK(client.ask(rpc(1, "/echo", "1")).param == "1");
}

TEST_CASE("captured position queries are answered") {
  const daemon_runner vsoad{with_plugins(R"(position:
  listen: "127.0.0.1:0"
  entries: [ { name: srv, address: 127.0.0.1, port: 3005 } ]
)" + server)};
  simdjson::dom::parser parser;
  udp_peer client;
  int asked = 0;
  for (const auto entry : parser.load(VSOA_TEST_SOURCE_DIR "/vectors/position.json").get_array()) {
    const std::string query = from_hex(text_of(entry, "query_hex"));
    const bool known =
        query.find("\"name\"") != std::string::npos && query.find("\"srv\"") != std::string::npos;
    if (!known || query.find("10") != std::string::npos) continue;
    CAPTURE(query);
    client.send_to(vsoad.position(), query);
    const auto answer = client.receive();
    REQUIRE(answer);
    ++asked;
    // As the official server writes it, byte for byte.
    CHECK(*answer ==
          R"({"name":"srv","domain":2,"addr":"127.0.0.1","port":3005,"security":false})");
  }
  CHECK(asked > 0);
}

}  // namespace replay_test
