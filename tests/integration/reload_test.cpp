// Another configuration for a vsoad that runs: what changes takes effect, and what does not change
// is not disturbed.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <memory>
#include <vector>

#include "daemon_runner.hpp"
#include "healthy_client.hpp"
#include "peer.hpp"

namespace reload_test {

using namespace vsoa_test;

constexpr std::uint8_t status_no_permissions = 5;

/// Where no other test binds or connects: a port that was free a moment ago may have been taken by
/// one.
constexpr const char* own_ip = "127.0.8.1";

/// An address of the configuration's own, to move to.
std::uint16_t free_port() {
  return udp_peer(own_ip).port();
}

std::string at(std::uint16_t port) {
  return own_ip + (":" + std::to_string(port));
}

tcp_peer client_of(const endpoint& where, const std::string& password = {}) {
  tcp_peer peer(where);
  peer.handshake(password);
  return peer;
}

bool answers(tcp_peer& peer, const std::string& url = "/echo") {
  return peer.ask_for_reply(rpc(9, url, "1")).param == "1";
}

bool can_connect(const endpoint& where) {
  try {
    tcp_peer peer(where);
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

std::string services(const std::string& list) {
  return with_plugins("services:\n" + list);
}

TEST_CASE("commands, topics, access and limits change, and no connection is dropped") {
  daemon_runner vsoad(one_service());
  tcp_peer peer = client_of(vsoad.service());
  CHECK(answers(peer));
  REQUIRE(vsoad.reload(with_plugins(R"(services:
  - name: main
    listen: [ "127.0.0.1:0" ]
    commands:
      /other: { plugin: echo, command: /echo }
      /closed: { plugin: echo, command: /echo }
    topics: { /kept: { relay: true, retain: last } }
    access: [ { allow: [ call ], urls: [ /other, /kept, /echo ] }, { allow: [ subscribe, datagram ], urls: [ / ] } ]
    limits: { subscriptions: 1 }
    info: { name: renewed }
)")));
  CHECK(answers(peer, "/other"));
  CHECK(peer.ask_for_reply(rpc(1, "/echo", "1")).status == status_invalid_url);
  CHECK(peer.ask_for_reply(rpc(1, "/closed", "1")).status == status_no_permissions);
  CHECK(peer.ask_for_reply(subscribe(2, "/kept")).status == status_success);
  CHECK(peer.ask_for_reply(subscribe(3, "/more")).status == status_no_memory);
  peer.send(datagram("/kept", "7"));
  CHECK(peer.read().url == "/kept");
  CHECK(peer.ask_for_reply(rpc(4, "/kept")).param == "7");
  CHECK(tcp_peer(vsoad.service()).handshake().param.find("renewed") != std::string::npos);

  // The subscription to /kept goes with the right to it.
  REQUIRE(vsoad.reload(one_service(R"(    topics: { /kept: { relay: true, retain: last } }
    access: [ { allow: [ call, datagram ], urls: [ / ] } ]
)")));
  CHECK(wait_until([&] {
    peer.send(datagram("/kept", "7"));
    if (peer.ask(ping(8)).type == type_pingecho) return true;
    CHECK(peer.read().type == type_pingecho);  // behind the publish
    return false;
  }));

  // What is retained outlives a reload that leaves it retained, and no other.
  REQUIRE(vsoad.reload(one_service("    topics: { /kept: { relay: true, retain: last } }\n")));
  CHECK(peer.ask_for_reply(rpc(5, "/kept")).param == "7");
  REQUIRE(vsoad.reload(one_service()));
  CHECK(peer.ask_for_reply(rpc(6, "/kept")).status == status_invalid_url);
  CHECK(answers(peer));
}

TEST_CASE("a configuration with errors changes nothing, and says what is wrong") {
  daemon_runner vsoad(one_service());
  tcp_peer peer = client_of(vsoad.service());
  CHECK_FALSE(vsoad.reload(one_service("    limits: { clinets: 1 }\n")));
  CHECK(vsoad.lines_with("services[0].limits.clinets: unknown key").size() == 1);
  CHECK(answers(peer));
  CHECK(vsoad.reload(one_service()));
}

TEST_CASE("an address that can't be had changes nothing") {
  daemon_runner other(one_service());  // has an address
  daemon_runner vsoad(one_service());
  tcp_peer peer = client_of(vsoad.service());
  CHECK_FALSE(vsoad.reload(services(R"(  - name: main
    listen: [ "127.0.0.1:0" ]
    commands: { /renamed: { plugin: echo, command: /echo } }
  - name: second
    listen: 127.0.0.1:)" + std::to_string(other.service().port) +
                                    "\n")));
  CHECK(vsoad.lines_with("service \"second\": can't listen on").size() == 1);
  CHECK(answers(peer));
  CHECK(peer.ask_for_reply(rpc(1, "/renamed")).status == status_invalid_url);
}

TEST_CASE("services are added, moved and removed") {
  daemon_runner vsoad(one_service());
  tcp_peer peer = client_of(vsoad.service());
  const std::string main = R"(  - name: main
    listen: [ "127.0.0.1:0" ]
    commands: { /echo: { plugin: echo } }
)";
  const std::string second = "  - { name: second, plugins: all, listen: ";
  const std::uint16_t first_port = free_port();
  REQUIRE(vsoad.reload(services(main + second + at(first_port) + " }\n")));
  tcp_peer early = client_of({own_ip, first_port});
  CHECK(answers(early));

  // Moved: who is connected stays.
  const std::uint16_t next_port = free_port();
  REQUIRE(vsoad.reload(services(main + second + at(next_port) + " }\n")));
  CHECK_FALSE(can_connect({own_ip, first_port}));
  tcp_peer late = client_of({own_ip, next_port});
  CHECK(answers(late));
  CHECK(answers(early));

  // Another service gets the address.
  REQUIRE(vsoad.reload(services(main + second + at(first_port) + " }\n  - { name: third, listen: " +
                                at(next_port) + ", plugins: all }\n")));
  CHECK(tcp_peer({own_ip, next_port}).handshake().param.find("third") != std::string::npos);
  CHECK(answers(early));
  CHECK(answers(late));

  REQUIRE(vsoad.reload(services(main)));
  CHECK(early.wait_end() != ending::none);
  CHECK_FALSE(can_connect({own_ip, first_port}));
  CHECK(answers(peer));
}

TEST_CASE("passwords: who was let in by one that is none any more is closed") {
  const auto with = [](const std::string& credentials) {
    return one_service("    credentials: [ " + credentials + " ]\n");
  };
  daemon_runner vsoad(with("{ role: a, password: one }, { role: b, password: two }"));
  tcp_peer a = client_of(vsoad.service(), "one");
  tcp_peer b = client_of(vsoad.service(), "two");
  REQUIRE(vsoad.reload(with("{ role: b, password: three }")));
  CHECK(a.wait_end() != ending::none);
  CHECK(answers(b));  // its role is still given
  CHECK(tcp_peer(vsoad.service()).ask(servinfo(1, R"({"passwd":"two"})")).status ==
        status_password);
  tcp_peer c = client_of(vsoad.service(), "three");
  CHECK(answers(c));
  CHECK(vsoad.lines_with("three").empty());
}

TEST_CASE("the first password: who has connected before and not shaken hands needs it, too") {
  daemon_runner vsoad(one_service());
  tcp_peer early(vsoad.service());
  tcp_peer open_before = client_of(vsoad.service());
  REQUIRE(vsoad.reload(one_service("    credentials: [ { role: a, password: one } ]\n")));
  CHECK(open_before.wait_end() != ending::none);
  CHECK(early.ask(servinfo(1)).status == status_password);
  tcp_peer late = client_of(vsoad.service(), "one");
  CHECK(answers(late));
}

TEST_CASE("the position server follows") {
  const auto with = [](const std::string& position, const std::string& name) {
    return with_plugins("position: { listen: " + position + " }\nservices: [ { name: " + name +
                        ", listen: \"127.0.0.1:0\" } ]\n");
  };
  const std::uint16_t port = free_port();
  daemon_runner vsoad(with(at(port), "one"));
  udp_peer udp(own_ip);
  const auto ask = [&](std::uint16_t to, const std::string& name) {
    udp.send_to({own_ip, to}, R"({"name":")" + name + R"(","domain":0})");
    return udp.receive().value_or("");
  };
  CHECK(ask(port, "one").find("\"port\"") != std::string::npos);
  REQUIRE(vsoad.reload(with(at(port), "two")));
  CHECK(ask(port, "one") == "{}");
  CHECK(ask(port, "two").find("\"port\"") != std::string::npos);
  const std::uint16_t other = free_port();
  REQUIRE(vsoad.reload(with("[ " + at(port) + ", " + at(other) + " ]", "two")));
  CHECK(ask(other, "two").find("\"port\"") != std::string::npos);
  CHECK(ask(port, "two").find("\"port\"") != std::string::npos);
}

TEST_CASE("work queues and plugin settings change") {
  const std::string plugins =
      "plugins: { directory: \"" VSOAD_TEST_PLUGINS "\", settings: { probe: { config: ";
  const auto with = [&](const std::string& config, const std::string& queues) {
    return "work_queues: { " + queues + " }\n" + plugins + config +
           " } } }\nservices: [ { name: main, listen: \"127.0.0.1:0\", plugins: [ probe ] } ]\n";
  };
  daemon_runner vsoad(with("1", "a: "));
  tcp_peer peer = client_of(vsoad.service());
  CHECK(peer.ask_for_reply(rpc(1, "/config")).param == "1");
  REQUIRE(vsoad.reload(with("2", "a: { threads: 3 }, b: ")));
  CHECK(peer.ask_for_reply(rpc(2, "/config")).param == "2");
  CHECK(peer.ask_for_reply(rpc(3, "/queue", "b")).param == "\"from the queue\"");
  // One that does not start is an error like any other.
  CHECK_FALSE(vsoad.reload(with("throw", "b: ")));
  CHECK(vsoad.lines_with("told not to start").size() >= 1);
  CHECK(peer.ask_for_reply(rpc(4, "/config")).param == "2");
  CHECK(peer.ask_for_reply(rpc(5, "/queue", "a")).param == "\"from the queue\"");
}

TEST_CASE("what takes a restart is named, and the rest applied") {
  daemon_runner vsoad(one_service());
  tcp_peer peer = client_of(vsoad.service());
  REQUIRE(vsoad.reload("runtime: { threads: 3 }\nlog: { level: debug }\n" +
                       one_service().substr(one_service().find("plugins:"))));
  CHECK(vsoad.lines_with("reload: takes a restart: runtime.threads: changed").size() == 1);
  CHECK(vsoad.lines_with("reload: log.level: changed").size() == 1);
  CHECK(answers(peer));
}

TEST_CASE("again and again under load: no call is lost, and no memory") {
  const auto variant = [](int i) {
    return one_service("    limits: { clients: " + std::to_string(100 + i % 7) +
                       " }\n    topics: { /t" + std::to_string(i % 3) + "/: { retain: last } }\n");
  };
  daemon_runner vsoad(variant(0));
  std::vector<std::unique_ptr<healthy_client>> clients;
  for (int i = 0; i < 4; ++i)
    clients.push_back(std::make_unique<healthy_client>(vsoad.service()));
  const int rounds = sanitized ? 100 : 1000;
  std::size_t settled = 0;
  for (int i = 1; i <= rounds; ++i) {
    REQUIRE(vsoad.reload(variant(i)));
    if (i == rounds / 5) settled = vsoad.resident_bytes();
  }
  const std::size_t grown = vsoad.resident_bytes() - std::min(settled, vsoad.resident_bytes());
  for (const auto& each : clients) {
    const auto report = each->stop();
    CHECK_MESSAGE(report.trouble.empty(), report.text());
    CHECK(report.answers > 0);
  }
  if (!sanitized) CHECK(grown < 2U << 20);
}

}  // namespace reload_test
