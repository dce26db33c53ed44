// Hostile datagrams at the quick port and at the position port.
#include <random>

#include "hostile.hpp"

namespace hostile_udp_test {

using namespace vsoa_test;

std::vector<std::string> bad_packets(std::uint32_t id) {
  const packet good = datagram("/relay/a", "1", "data", id);
  std::vector<std::string> out{{}};
  const std::string bytes = good.bytes();
  for (std::size_t cut = 0; cut < bytes.size(); ++cut)
    if (cut < 20 + good.url.size() + good.param.size() + good.data.size())
      out.push_back(bytes.substr(0, cut));
  for (const int magic : {0x00, 0x28, 0x39, 0x92}) {
    out.push_back(bytes);
    out.back()[0] = static_cast<char>(magic);
  }
  for (const std::uint32_t length :
       {1000U, 65507U, 262144U, 0x7FFFFFFFU, 0xFFFFFFFFU, 0xFFFFFFE0U}) {
    const wire_header header{.type = type_datagram,
                             .flags = 0x80,
                             .seqno = id,
                             .url_length = 8,
                             .param_length = 1,
                             .data_length = length};
    out.push_back(header.bytes() + "/relay/a1");
  }
  return out;
}

TEST_CASE("malformed quick packets of a known client are dropped, its session lives") {
  siege with("    topics: { /relay/: { relay: true } }\n");
  tcp_peer client{with.server};
  udp_peer udp;
  client.handshake({}, udp.port());
  CHECK(client.ask(subscribe(1, "/")).status == status_success);
  for (const std::string& bytes : bad_packets(client.client_id()))
    udp.send_to(with.server, bytes);
  udp.send_to(with.server, datagram("/relay/good", "1", "", client.client_id()));
  const auto got = udp.receive_packet();
  REQUIRE(got);
  CHECK(got->url == "/relay/good");
  CHECK(client.ask(ping(2)).seqno == 2);
}

TEST_CASE("quick datagrams with URLs that are none are not relayed") {
  siege with("    topics: { /: { relay: true } }\n");
  tcp_peer client{with.server};
  udp_peer udp;
  client.handshake({}, udp.port());
  CHECK(client.ask(subscribe(1, "/")).status == status_success);
  for (const char* url : {"", "x", "\xFF", "/\xFF", "/a\xC3"})
    udp.send_to(with.server, datagram(url, "1", "", client.client_id()));
  udp.send_to(with.server, datagram("/good", "{broken", "", client.client_id()));
  const auto got = udp.receive_packet();
  REQUIRE(got);
  CHECK(got->url == "/good");
}

TEST_CASE("floods of garbage and of guessed client ids") {
  siege with("    topics: { /relay/: { relay: true } }\n");
  tcp_peer victim{with.server};
  udp_peer victim_udp;
  victim.handshake({}, victim_udp.port());
  CHECK(victim.ask(subscribe(1, "/")).status == status_success);
  std::mt19937 random{11};
  udp_peer offender;
  for (int i = 0; i < 20000; ++i) {
    if (i % 2 == 0) {
      offender.send_to(with.server, datagram("/relay/a", "1", "", static_cast<std::uint32_t>(i)));
      continue;
    }
    std::string bytes(random() % 200, '\0');
    for (char& c : bytes)
      c = static_cast<char>(random());
    offender.send_to(with.server, bytes);
  }
  with.newcomer_is_served();
  CHECK(victim.silent());
  CHECK_FALSE(victim_udp.receive(milliseconds{1}));
  with.grew_at_most(4 * mebibyte);
}

TEST_CASE("floods at the position port: answers go on, and nobody else waits") {
  const daemon_runner vsoad{one_service() +
                            "position: { listen: \"127.0.0.1:0\", entries: [ { name: known, "
                            "address: 10.0.0.9, port: 3001 } ] }\n"};
  healthy_client healthy{vsoad.service()};
  std::mt19937 random{13};
  udp_peer offender;
  const std::string deep(50000, '[');
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(random() % 300, '\0');
    for (char& c : bytes)
      c = static_cast<char>(random());
    if (i % 4 == 0) bytes = R"({"name":")" + std::to_string(i) + "\"}";
    if (i % 1000 == 1) bytes = deep;
    offender.send_to(vsoad.position(), bytes);
  }
  // From another address: a limit on the offender's rate is not this client's.
  udp_peer client{"127.0.0.2"};
  std::optional<std::string> answer;
  for (int attempt = 0; attempt < 5 && !answer; ++attempt) {
    client.send_to(vsoad.position(), R"({"name":"known"})");
    answer = client.receive(milliseconds{1000});
  }
  REQUIRE(answer);
  CHECK(answer->find("10.0.0.9") != std::string::npos);
  const auto report = healthy.stop();
  INFO("the healthy client: " << report.text());
  CHECK(report.content());
}

}  // namespace hostile_udp_test
