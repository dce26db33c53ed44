// The quick channel: UDP beside the session, both ways, and who may use it.
#include <doctest/doctest.h>

#include <optional>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace quick_test {

using namespace vsoa_test;

const std::string topics =
    R"(    topics: { /relay/: { relay: true }, /kept/: { relay: true, retain: last } }
)";

/// A client with a quick socket.
struct quick_client {
  udp_peer udp;
  tcp_peer tcp;
  endpoint server;

  explicit quick_client(const endpoint& service) : tcp(service), server(service) {
    const packet reply = tcp.handshake({}, udp.port());
    if (reply.data.size() < 6) return;
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(reply.data[at]); };
    server.port = static_cast<std::uint16_t>(byte(4) << 8 | byte(5));
  }
  void send_quick(const std::string& url, const std::string& param = {},
                  const std::string& data = {}) {
    udp.send_to(server, datagram(url, param, data, tcp.client_id()));
  }
};

struct fixture {
  daemon_runner vsoad{one_service(topics)};
  quick_client sender{vsoad.service()};
  quick_client receiver{vsoad.service()};

  fixture() { CHECK(receiver.tcp.ask(subscribe(1, "/")).status == status_success); }

  /// Nothing that was sent by UDP before was relayed: a good datagram after it is the first to
  /// come. Sent again until it does: a full socket may have lost it.
  void nothing_relayed() {
    std::optional<packet> got;
    for (int tries = 0; !got && tries < 100; ++tries) {
      sender.send_quick("/relay/end", "\"end\"");
      got = receiver.udp.receive_packet(quiet);
    }
    REQUIRE(got);
    CHECK(got->url == "/relay/end");
    CHECK(receiver.tcp.silent());
  }
};

TEST_CASE_FIXTURE(fixture, "a quick datagram is relayed as a quick publish, from the quick port") {
  sender.send_quick("/relay/a", "{\"v\":1}", "bytes");
  endpoint from;
  const auto got = receiver.udp.receive_packet(patience, &from);
  REQUIRE(got);
  CHECK(from == receiver.server);
  CHECK(got->type == type_publish);
  CHECK(got->flags == 0);
  CHECK(got->seqno == 0);
  CHECK(got->url == "/relay/a");
  CHECK(got->param == "{\"v\":1}");
  CHECK(got->data == "bytes");
  CHECK(receiver.tcp.silent());
}

TEST_CASE_FIXTURE(fixture, "a datagram by TCP is relayed by TCP") {
  sender.tcp.send(datagram("/relay/a", "1"));
  CHECK(receiver.tcp.read().url == "/relay/a");
  CHECK_FALSE(receiver.udp.receive(quiet));
}

TEST_CASE_FIXTURE(fixture, "a subscriber without quick channel gets no quick publish, by no way") {
  tcp_peer plain{vsoad.service()};
  plain.handshake();
  CHECK(plain.ask(subscribe(1, "/")).status == status_success);
  sender.send_quick("/relay/a", "1");
  CHECK(receiver.udp.receive());
  CHECK(plain.silent());
}

TEST_CASE_FIXTURE(fixture, "a value sent by the quick channel is retained") {
  sender.send_quick("/kept/a", "5");
  CHECK(receiver.udp.receive());
  tcp_peer late{vsoad.service()};
  late.handshake();
  late.send(subscribe(1, "/kept/a"));
  CHECK(late.read().type == type_subscribe);
  CHECK(late.read().param == "5");
}

TEST_CASE_FIXTURE(fixture, "the largest datagram passes, and trailing bytes are ignored") {
  packet large = datagram("/relay/l", "", "", sender.tcp.client_id());
  large.data.assign(65504 - header_bytes - large.url.size(), 'L');
  REQUIRE(large.bytes().size() == 65504);
  sender.udp.send_to(sender.server, large);
  auto got = receiver.udp.receive_packet();
  REQUIRE(got);
  CHECK(got->data == large.data);
  const packet small = datagram("/relay/s", "1", "", sender.tcp.client_id());
  sender.udp.send_to(sender.server, small.bytes() + "trailing");
  got = receiver.udp.receive_packet();
  REQUIRE(got);
  CHECK(got->url == "/relay/s");
}

TEST_CASE_FIXTURE(fixture, "spoofed: the right client id from another socket") {
  udp_peer thief;
  thief.send_to(sender.server, datagram("/relay/a", "1", "", sender.tcp.client_id()));
  // From another address with the announced port's number it is no better.
  udp_peer elsewhere{"127.0.0.2"};
  elsewhere.send_to(sender.server, datagram("/relay/a", "1", "", sender.tcp.client_id()));
  nothing_relayed();
}

TEST_CASE_FIXTURE(fixture, "spoofed: another client's id, or nobody's, from the own socket") {
  const std::uint32_t own = sender.tcp.client_id();
  for (const std::uint32_t id : {receiver.tcp.client_id(), own + 1, own - 1, 0U, 1U, 0xFFFFFFFFU})
    sender.udp.send_to(sender.server, datagram("/relay/a", "1", "", id));
  nothing_relayed();
}

TEST_CASE_FIXTURE(fixture, "the id of a client that announced no quick channel, or has gone") {
  tcp_peer plain{vsoad.service()};
  plain.handshake();
  udp_peer socket;
  socket.send_to(sender.server, datagram("/relay/a", "1", "", plain.client_id()));
  quick_client gone{vsoad.service()};
  gone.tcp.shutdown_write();
  CHECK(gone.tcp.wait_end() != ending::none);
  gone.send_quick("/relay/a", "1");
  nothing_relayed();
}

TEST_CASE_FIXTURE(fixture, "only datagrams are taken by UDP") {
  const std::uint32_t id = sender.tcp.client_id();
  for (int type = 0; type < 256; ++type) {
    if (type == type_datagram) continue;
    packet p = datagram("/relay/a", "1", "", id);
    p.type = static_cast<std::uint8_t>(type);
    sender.udp.send_to(sender.server, p);
  }
  packet reply = datagram("/relay/a", "1", "", id);
  reply.flags = flag_reply;
  sender.udp.send_to(sender.server, reply);
  nothing_relayed();
  CHECK_FALSE(sender.udp.receive(quiet));
  CHECK(sender.tcp.silent());
}

TEST_CASE_FIXTURE(fixture, "a repeated handshake moves the quick port") {
  udp_peer other;
  CHECK(sender.tcp.ask(servinfo(5, "{}", other.port())).status == status_success);
  sender.send_quick("/relay/old", "1");
  other.send_to(sender.server, datagram("/relay/new", "1", "", sender.tcp.client_id()));
  const auto got = receiver.udp.receive_packet();
  REQUIRE(got);
  CHECK(got->url == "/relay/new");
}

TEST_CASE_FIXTURE(fixture, "TUNNEL without a port, or a port without TUNNEL, is no quick channel") {
  for (const bool flagged : {true, false}) {
    tcp_peer client{vsoad.service()};
    udp_peer udp;
    packet hello = servinfo(0, "{}", udp.port());
    hello.flags = flagged ? flag_tunnel : 0;
    if (flagged) hello.tunid = 0;
    CHECK(client.ask(hello).status == status_success);
    CHECK(client.ask(subscribe(1, "/relay/")).status == status_success);
    sender.send_quick("/relay/a", "1");
    CHECK(receiver.udp.receive());
    CHECK_FALSE(udp.receive(quiet));
  }
}

TEST_CASE("before the password a quick datagram is dropped") {
  const daemon_runner vsoad{one_service(topics + R"(    credentials: [ { role: u, password: p } ]
)")};
  tcp_peer listener{vsoad.service()};
  udp_peer listener_udp;
  listener.handshake("p", listener_udp.port());
  CHECK(listener.ask(subscribe(1, "/")).status == status_success);
  tcp_peer stranger{vsoad.service()};
  udp_peer stranger_udp;
  for (std::uint32_t id = 0; id < 8; ++id)
    stranger_udp.send_to(vsoad.service(), datagram("/relay/a", "1", "", id));
  CHECK_FALSE(listener_udp.receive(quiet));
  CHECK(listener.silent(milliseconds{1}));
}

}  // namespace quick_test
