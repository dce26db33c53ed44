// SERVINFO, passwords, the authentication gate as a server applies it, and the handshake's timer.

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>

#include <set>

#include "test_server.hpp"

namespace handshake_test {

using namespace std::chrono_literals;
using namespace vsoa_test;

vsoa::server_options with_password(std::string password) {
  vsoa::server_options o;
  o.info = R"({"name":"test"})";
  o.credentials = {{"user", std::move(password)}};
  return o;
}

// What one recv() sees, as clients do that read the handshake's answer with one call.
std::string receive_once(int fd) {
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  if (::poll(&entry, 1, static_cast<int>(patience.count())) != 1) return {};
  char bytes[65536];
  const ssize_t got = ::recv(fd, bytes, sizeof bytes, 0);
  return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : std::string();
}

TEST_CASE("the answer: info, client id, the request's number") {
  vsoa::server_options options;
  options.info = R"({"name":"test"})";
  test_server server(options);
  server.start();
  tcp_peer peer = server.connect();
  const packet reply = peer.ask(servinfo(0xFFFFFFFF, "{}"));
  CHECK(reply.type == type_servinfo);
  CHECK(reply.flags == flag_reply);
  CHECK(reply.status == 0);
  CHECK(reply.seqno == 0xFFFFFFFF);
  CHECK(reply.url.empty());
  CHECK(reply.param == R"({"name":"test"})");
  CHECK(reply.data.size() == 4);  // UDP has the port of TCP: nothing to announce
}

TEST_CASE("without settings the info is an empty JSON string") {
  test_server server;
  server.start();
  CHECK(server.client().ask(servinfo(1)).param == "\"\"");
}

TEST_CASE("client ids are unique, not zero, not guessable, and name their loop") {
  test_server server({}, 4);
  server.start();
  std::vector<tcp_peer> peers;
  std::set<std::uint32_t> ids;
  std::set<std::uint32_t> loops;
  for (int i = 0; i < 32; ++i) {
    peers.push_back(server.client());
    ids.insert(peers.back().client_id());
    loops.insert(peers.back().client_id() % 4);
  }
  CHECK(ids.size() == 32);
  CHECK(loops.size() == 4);
  CHECK_FALSE(ids.contains(0));
  CHECK(*ids.rbegin() > 0x01000000);  // 32 small numbers by chance: once in 10^77
  CHECK(server->clients().size() == 32);
}

TEST_CASE("a repeated SERVINFO: the same id, no password, the new quick port, no second event") {
  std::atomic<int> connects = 0;
  test_server server(with_password("secret"));
  server->on_client([&](vsoa::client_id, bool connected) { connects += connected ? 1 : 0; });
  server.start();
  tcp_peer peer = server.connect();
  const packet first = peer.handshake("secret", 1111);
  CHECK(server->client(peer.client_id())->quick_port == 1111);
  const packet second = peer.ask(servinfo(5, {}, 2222));
  CHECK(second.status == 0);
  CHECK(second.seqno == 5);
  CHECK(second.data == first.data);
  CHECK(server->client(peer.client_id())->quick_port == 2222);
  // Neither a tunnel id without the flag nor the flag without an id changes it.
  packet no_flag = servinfo(6);
  no_flag.tunid = 3333;
  CHECK(peer.ask(no_flag).status == 0);
  packet no_port = servinfo(7);
  no_port.flags = flag_tunnel;
  CHECK(peer.ask(no_port).status == 0);
  CHECK(server->client(peer.client_id())->quick_port == 2222);
  CHECK(connects == 1);
  CHECK(server->stats().handshakes == 1);
}

TEST_CASE("nothing is coalesced with the answer, and what is held back comes 50 ms later") {
  test_server server;
  server->on_client([&](vsoa::client_id id, bool connected) {
    if (!connected) return;
    server->set_priority(id, 3);
    server->datagram(id, "/hello", text_payload("1"));
  });
  server.start();
  tcp_peer peer = server.connect();
  const auto before = test_clock::now();
  peer.send(servinfo(1, "{}"));
  const std::string first = receive_once(peer.fd());
  std::size_t used = 0;
  const auto reply = parse_packet(first, used);
  REQUIRE(reply);
  CHECK(reply->type == type_servinfo);
  CHECK(used == first.size());
  const packet qos = peer.read();
  CHECK(test_clock::now() - before >= 50ms);
  CHECK(qos.type == type_qossetup);
  CHECK(qos.status == 3);
  CHECK(peer.read().type == type_datagram);
}

TEST_CASE("the client's next packet ends the holding back") {
  test_server server;
  server->on_client([&](vsoa::client_id id, bool connected) {
    if (connected) server->datagram(id, "/hello", text_payload("1"));
  });
  server.start();
  // A busy machine may take 50 ms over anything: one quick round proves it.
  bool sooner = false;
  for (int i = 0; i < 50 && !sooner; ++i) {
    tcp_peer peer = server.connect();
    peer.handshake();
    const auto before = test_clock::now();
    peer.send(packet{.type = type_noop, .url = {}, .param = {}, .data = {}});
    CHECK(peer.read().type == type_datagram);
    sooner = test_clock::now() - before < 30ms;
  }
  CHECK(sooner);
}

TEST_CASE("the right password, however it is written") {
  test_server server(with_password("pä\"ss"));
  server.start();
  for (const char* param : {R"({"passwd":"pä\"ss"})", R"({"passwd":"p\u00e4\"ss","pingLost":3})",
                            R"( { "x" : [1] , "passwd" : "p\u00E4\u0022ss" } )"}) {
    CAPTURE(param);
    CHECK(server.connect().ask(servinfo(1, param)).status == 0);
  }
}

TEST_CASE("a wrong password is answered PASSWORD, and the connection closed gracefully") {
  std::atomic<int> events = 0;
  test_server server(with_password("123456"));
  server->on_client([&](vsoa::client_id, bool) { ++events; });
  server.start();
  std::uint64_t bad = 0;
  for (const char* param :
       {"", "{}", R"({"passwd":"12345"})", R"({"passwd":"1234567"})", R"({"passwd":123456})",
        R"({"passwd":"123456")", "garbage", R"({"Passwd":"123456"})", R"("123456")", "null"}) {
    CAPTURE(param);
    tcp_peer peer = server.connect();
    // Another request behind it, unread when the server closes, must not cost us the answer.
    peer.send(servinfo(9, param).bytes() + rpc(10, "/x").bytes());
    const packet reply = peer.read();
    CHECK(reply.type == type_servinfo);
    CHECK(reply.flags == flag_reply);
    CHECK(reply.status == status_password);
    CHECK(reply.seqno == 9);
    CHECK(reply.param.empty());
    CHECK(reply.data.empty());
    CHECK(peer.wait_end() == ending::closed);
    ++bad;
    CHECK(server->stats().bad_passwords == bad);
  }
  CHECK(wait_until([&] { return server->stats().clients == 0; }));
  CHECK(events == 0);
}

TEST_CASE("requests before the password are refused with their own type, and authenticate nobody") {
  test_server server(with_password("p"));
  server->command("/", echo);
  server.start();
  for (const std::uint8_t type : {type_rpc, type_subscribe, type_unsubscribe, type_pingecho}) {
    CAPTURE(type);
    tcp_peer peer = server.connect();
    packet request = rpc(3, "/x", R"({"passwd":"p"})");
    request.type = type;
    peer.send(request.bytes() + servinfo(4, R"({"passwd":"p"})").bytes());
    const packet reply = peer.read();
    CHECK(reply.type == type);
    CHECK(reply.flags == flag_reply);
    CHECK(reply.status == status_password);
    CHECK(reply.seqno == 3);
    CHECK(peer.wait_end() == ending::closed);
  }
}

TEST_CASE("what would be taken for a message of ours closes the connection without an answer") {
  test_server server(with_password("p"));
  server.start();
  for (const int type : {int{type_publish}, int{type_datagram}, int{type_qossetup}, 0x07, 0x80}) {
    CAPTURE(type);
    tcp_peer peer = server.connect();
    packet request = rpc(3, "/x");
    request.type = static_cast<std::uint8_t>(type);
    peer.send(request);
    CHECK_FALSE(peer.try_read(patience));
    CHECK(peer.wait_end() != ending::none);
  }
}

TEST_CASE("NOOP and replies are ignored before the password and after it") {
  test_server server(with_password("p"));
  server.start();
  tcp_peer peer = server.connect();
  for (int round = 0; round < 2; ++round) {
    peer.send(packet{.type = type_noop, .seqno = 1, .url = {}, .param = {}, .data = {}});
    for (const int type : {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x7F, 0xFF}) {
      packet reply = rpc(2, "/x");
      reply.type = static_cast<std::uint8_t>(type);
      reply.flags = flag_reply;
      peer.send(reply);
    }
    CHECK(peer.handshake("p").status == 0);  // the first thing that is answered
  }
}

TEST_CASE("after the handshake server messages from a client are ignored") {
  test_server server;
  server.start();
  tcp_peer peer = server.client();
  for (const int type : {int{type_publish}, int{type_qossetup}, 0x07, 0x42, 0xFD}) {
    packet p = rpc(1, "/x");
    p.type = static_cast<std::uint8_t>(type);
    peer.send(p);
  }
  const packet pong = peer.ask(ping(8));
  CHECK(pong.type == type_pingecho);
  CHECK(pong.seqno == 8);
}

TEST_CASE("a ping is answered empty, whatever it carries") {
  test_server server;
  server.start();
  packet p = ping(0x12345678);
  p.param = "[1]";
  p.data = "data";
  const packet pong = server.client().ask(p);
  CHECK(pong.flags == flag_reply);
  CHECK(pong.status == 0);
  CHECK(pong.seqno == 0x12345678);
  CHECK(pong.param.empty());
  CHECK(pong.data.empty());
}

TEST_CASE("an open server serves before the handshake, but knows no client yet") {
  test_server server;
  std::atomic<vsoa::client_id> caller = 0;
  server->command("/echo", [&](vsoa::call& c) {
    caller = c.client();
    echo(c);
  });
  server.start();
  tcp_peer peer = server.connect();
  CHECK(peer.ask(rpc(1, "/echo", "{}")).param == "{}");
  CHECK(peer.ask(subscribe(2, "/t")).status == 0);
  CHECK_FALSE(server->client(caller));
  CHECK(server->clients().empty());
  CHECK_FALSE(server->publish_to(caller, "/t", {}));
  CHECK_FALSE(server->datagram(caller, "/t", {}));
  server->publish("/t", {});
  CHECK(peer.handshake().status == 0);  // and no publish before it
  CHECK(peer.client_id() == caller);
}

TEST_CASE("roles: the first credential that matches") {
  vsoa::server_options options;
  options.credentials = {{"admin", "a"}, {"user", "b"}, {"shadow", "a"}, {"", "c"}};
  test_server server(options);
  server.start();
  const std::pair<const char*, const char*> expected[] = {{"a", "admin"}, {"b", "user"}, {"c", ""}};
  for (const auto& [password, role] : expected) {
    tcp_peer peer = server.connect();
    peer.handshake(password);
    CHECK(server->client(peer.client_id())->role == role);
  }
}

TEST_CASE("a changed password is for new sessions; those that exist keep what they have") {
  test_server server(with_password("old"));
  server.start();
  tcp_peer before = server.connect();
  before.handshake("old");
  server->set_password("new");
  CHECK(before.ask(servinfo(1)).status == 0);
  CHECK(server.connect().ask(servinfo(1, R"({"passwd":"old"})")).status == status_password);
  CHECK(server.connect().ask(servinfo(1, R"({"passwd":"new"})")).status == 0);
  server->set_password("");
  CHECK(server.connect().ask(servinfo(1)).status == 0);
}

TEST_CASE("refused clients that do not go count until they are gone, and give way") {
  vsoa::server_options options = with_password("p");
  options.limits.clients_per_address = 2;
  test_server server(options);
  server.start();
  std::vector<tcp_peer> refused;
  for (int i = 0; i < 6; ++i) {
    refused.push_back(server.connect());
    CHECK(refused.back().ask(servinfo(1)).status == status_password);
  }
  tcp_peer client = server.connect();
  client.handshake("p");
  CHECK(client.ask(ping(1)).type == type_pingecho);
  for (tcp_peer& peer : refused)
    CHECK(peer.wait_end() != ending::none);
}

TEST_CASE("a client may be closed by its own connect callback") {
  test_server server;
  std::atomic<int> gone = 0;
  server->on_client([&](vsoa::client_id id, bool connected) {
    if (connected) {
      CHECK(server->close(id));
    } else {
      ++gone;
    }
  });
  server.start();
  tcp_peer peer = server.client();
  CHECK(peer.wait_end() != ending::none);
  CHECK(wait_until([&] { return gone == 1; }));
}

TEST_CASE("only the handshake stops its timer") {
  vsoa::server_options options = with_password("p");
  options.limits.handshake_timeout = 400ms;
  std::atomic<int> events = 0;
  test_server server(options);
  server->on_client([&](vsoa::client_id, bool) { ++events; });
  server.start();
  const auto before = test_clock::now();
  tcp_peer silent = server.connect();
  CHECK(silent.wait_end() == ending::closed);
  CHECK(test_clock::now() - before >= 400ms);
  CHECK(events == 0);
  CHECK(wait_until([&] { return server->stats().handshake_timeouts == 1; }));

  server->set_password("");
  tcp_peer pinging = server.connect();
  CHECK(pinging.ask(ping(1)).status == 0);
  CHECK(pinging.wait_end() == ending::closed);

  tcp_peer passed = server.connect();
  passed.handshake();
  CHECK(passed.silent(600ms));
  CHECK(passed.ask(ping(1)).status == 0);
}

TEST_CASE("before the handshake a packet has 4096 bytes at most") {
  test_server server;
  server->command("/", echo);
  server.start();
  tcp_peer peer = server.connect();
  CHECK(peer.ask(rpc(1, "/a", {}, std::string(4096 - 20 - 4, 'x'))).status == 0);
  peer.send(rpc(1, "/a", {}, std::string(4096 - 20, 'x')));
  CHECK(peer.wait_end() != ending::none);
  CHECK(wait_until([&] { return server->stats().protocol_errors == 1; }));
  tcp_peer client = server.client();
  CHECK(client.ask(rpc(1, "/a", {}, std::string(100000, 'x'))).data.size() == 100000);
}

}  // namespace handshake_test
