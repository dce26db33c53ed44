// The handshake: SERVINFO in all the forms that official clients send it, and its answer.
#include <doctest/doctest.h>

#include <set>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace handshake_test {

using namespace vsoa_test;

const std::string guarded = R"(    credentials: [ { role: user, password: "pass-é" } ]
)";

std::uint32_t number(const std::string& bytes) {
  std::uint32_t out = 0;
  for (const char c : bytes)
    out = out << 8 | static_cast<unsigned char>(c);
  return out;
}

TEST_CASE("the answer holds the info, the client id and nothing else") {
  const daemon_runner vsoad{one_service("    info: { name: cabin, vendor: acme }\n")};
  tcp_peer client{vsoad.service()};
  const packet reply = client.ask(servinfo(77));
  CHECK(reply.type == type_servinfo);
  CHECK(reply.flags == flag_reply);
  CHECK(reply.status == status_success);
  CHECK(reply.seqno == 77);
  CHECK(reply.url.empty());
  CHECK(reply.param == R"({"name":"cabin","vendor":"acme"})");
  // Four bytes: TCP and UDP share the port. With another UDP port there would be two more.
  REQUIRE((reply.data.size() == 4 || reply.data.size() == 6));
  CHECK(number(reply.data.substr(0, 4)) != 0);
  CHECK(client.silent());
}

TEST_CASE("without info the answer names the service") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  CHECK(client.handshake().param == R"({"name":"main"})");
}

TEST_CASE("client ids differ and are not small numbers in a row") {
  const daemon_runner vsoad{one_service()};
  std::vector<tcp_peer> clients;
  std::set<std::uint32_t> ids;
  for (int i = 0; i < 32; ++i) {
    clients.emplace_back(vsoad.service()).handshake();
    ids.insert(clients.back().client_id());
  }
  CHECK(ids.size() == clients.size());
  CHECK(*ids.rbegin() - *ids.begin() > 1000000U);
}

TEST_CASE("every form of request param that clients send is taken") {
  const daemon_runner vsoad{one_service()};
  for (const char* param : {"", "{}", "null", "[]", "7", "\"text\"", "{\"passwd\":\"unneeded\"}",
                            "{\"pingInterval\":3000,\"pingTimeout\":1000,\"app\":[1,2]}"}) {
    CAPTURE(std::string(param));
    tcp_peer client{vsoad.service()};
    CHECK(client.ask(servinfo(1, param)).status == status_success);
  }
}

TEST_CASE("SERVINFO that is not JSON does not cost an open session its connection") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  CHECK(client.ask(servinfo(1, "{not json")).status == status_success);
  CHECK(client.ask(ping(2)).seqno == 2);
}

TEST_CASE("the password is compared as decoded text") {
  const daemon_runner vsoad{one_service(guarded)};
  for (const char* param : {R"({"passwd":"pass-é"})", R"({"passwd":"pass-\u00e9"})",
                            R"( { "x" : {"passwd":"no"}, "passwd" : "\u0070ass-\u00E9" } )"}) {
    CAPTURE(std::string(param));
    tcp_peer client{vsoad.service()};
    CHECK(client.ask(servinfo(1, param)).status == status_success);
    CHECK(client.ask(rpc(2, "/echo", "1")).param == "1");
  }
}

TEST_CASE("a wrong password is answered PASSWORD, then the connection is closed") {
  const daemon_runner vsoad{one_service(guarded)};
  for (const char* param :
       {"", "{}", "null", R"({"passwd":"wrong"})", R"({"passwd":"pass-é "})", R"({"passwd":""})",
        R"({"passwd":1})", R"({"passwd":null})", R"({"passwd":["pass-é"]})", R"(["pass-é"])",
        R"("pass-é")", R"({"Passwd":"pass-é"})", R"({"passwd":"pass-é")"}) {
    CAPTURE(std::string(param));
    tcp_peer client{vsoad.service()};
    const packet reply = client.ask(servinfo(5, param));
    CHECK(reply.type == type_servinfo);
    CHECK(reply.flags == flag_reply);
    CHECK(reply.status == status_password);
    CHECK(reply.seqno == 5);
    CHECK(reply.param.empty());
    CHECK(reply.data.empty());
    CHECK(client.wait_end() == ending::closed);
  }
}

TEST_CASE("a second handshake keeps the client id and needs no password") {
  const daemon_runner vsoad{one_service(guarded)};
  tcp_peer client{vsoad.service()};
  const packet first = client.handshake("pass-é");
  const packet second = client.ask(servinfo(9));
  CHECK(second.status == status_success);
  CHECK(second.seqno == 9);
  CHECK(second.data == first.data);
}

TEST_CASE("a handshake split at each byte is one handshake") {
  const daemon_runner vsoad{one_service()};
  const std::string bytes = servinfo(3, R"({"passwd":"x"})").bytes();
  for (std::size_t cut = 1; cut < bytes.size(); ++cut) {
    tcp_peer client{vsoad.service()};
    client.send(std::string_view(bytes).substr(0, cut));
    client.send(std::string_view(bytes).substr(cut));
    CHECK(client.read().status == status_success);
  }
}

TEST_CASE("nothing stops the handshake timer but a handshake") {
  const daemon_runner vsoad{one_service("    limits: { handshake_timeout: 300ms }\n")};
  tcp_peer silent{vsoad.service()};
  tcp_peer busy{vsoad.service()};
  tcp_peer good{vsoad.service()};
  good.handshake();
  // An open service serves before the handshake, but the clock runs.
  CHECK(busy.ask(ping(1)).status == status_success);
  CHECK(silent.wait_end() == ending::closed);
  CHECK(busy.wait_end() == ending::closed);
  CHECK(good.ask(ping(2)).status == status_success);
}

TEST_CASE("requests sent together with the handshake are answered after it") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.send(servinfo(0, "{}").bytes() + rpc(1, "/echo", "\"a\"").bytes() + ping(2).bytes());
  CHECK(client.read().type == type_servinfo);
  CHECK(client.read().param == "\"a\"");
  CHECK(client.read().type == type_pingecho);
}

}  // namespace handshake_test
