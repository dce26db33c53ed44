// Streams of plugins: in C (echo), by the C++ face, on loops and on a work queue, and their end.
#include <doctest/doctest.h>

#include <thread>

#include "rig.hpp"
#include "stream_peers.hpp"

namespace plugin_streams_test {

using namespace vsoa_test;

struct stream_rig : rig {
  explicit stream_rig(std::size_t loop_count = 1) : rig(loop_count) {
    dir.put(bundled("echo"), "echo");
    dir.put(sample("streams"), "streams");
  }
  tcp_peer open(tcp_peer& client, const std::string& url, const std::string& param = {}) {
    const packet reply = client.ask_for_reply(rpc(1, url, param));
    CHECK(reply.status == status_success);
    CHECK(reply.tunid != 0);
    return tcp_peer({"127.0.0.1", reply.tunid});
  }
  bool wait_metric(const std::string& name, double value) {
    return wait_until([&] { return metric(name) == value; });
  }
};

/// Sends the pattern while reading it back; says whether all of it came.
bool echoes(tcp_peer& peer, std::size_t total) {
  std::jthread sender([&] {
    peer.send(pattern(0, total));
    peer.shutdown_write();
  });
  const std::string got = read_to_end(peer);
  sender.join();
  return got.size() == total && is_pattern(got, 0);
}

TEST_CASE("echo: up, down, echo") {
  stream_rig r;
  r.start();
  auto client = r.connect();
  SUBCASE("up") {
    auto peer = r.open(client, "/stream", R"({"dir":"up"})");
    peer.send(std::string(4U << 20, 'x'));
    peer.shutdown_write();
    CHECK(read_to_end(peer).empty());
    // Of a process the daemon does not see them.
    if (!is_isolated) CHECK(r.server.stats().stream_received_bytes == 4U << 20);
  }
  SUBCASE("down") {
    auto peer = r.open(client, "/stream", R"( { "dir" : "down" } )");
    const std::string got = read_raw(peer, 8U << 20);
    CHECK(got == std::string(8U << 20, '\0'));
    peer.close();
    CHECK(wait_until([&] { return r.server.stats().streams == 0; }));
  }
  SUBCASE("echo") {
    auto peer = r.open(client, "/stream", R"({"dir":"\u0065cho"})");
    CHECK(echoes(peer, 8U << 20));
  }
  SUBCASE("what it refuses") {
    for (const char* wrong :
         {"", "{}", "null", "\"up\"", R"({"dir":"left"})", R"({"dir":1})", R"({"dir":"up","x":1})",
          R"({"dir":"up"} x)", R"({"dir":"up")", R"({"dirs":"up"})", R"({"dir" "up"})"}) {
      CAPTURE(wrong);
      const packet reply = client.ask_for_reply(rpc(2, "/stream", wrong));
      CHECK(reply.status == status_arguments);
      CHECK(reply.tunid == 0);
    }
    CHECK(client.ask_for_reply(rpc(2, "/stream", R"({"dir":")" + std::string(100, 'u') + "\"}"))
              .status == status_arguments);
  }
}

TEST_CASE("the C++ face: all that a stream tells") {
  stream_rig r;
  r.start();
  auto client = r.connect();
  SUBCASE("echo and half close") {
    auto peer = r.open(client, "/s/echo");
    peer.send("hello");
    CHECK(read_raw(peer, 5) == "hello");
    CHECK(r.wait_metric("links", 1));
    CHECK(client.ask_for_reply(rpc(3, "/s/info")).param == "[5,5,1]");
    peer.shutdown_write();
    CHECK(read_to_end(peer).empty());
    CHECK(r.wait_metric("ends", 1));
    CHECK(r.metric("error") == 0);
    CHECK(client.ask_for_reply(rpc(3, "/s/info")).param == "null");
  }
  SUBCASE("a word, and the end") {
    auto peer = r.open(client, "/s/word");
    CHECK(read_to_end(peer) == "word");
    peer.close();
    CHECK(r.wait_metric("ends", 1));
  }
  SUBCASE("abort") {
    auto peer = r.open(client, "/s/abort");
    CHECK(peer.wait_end() == ending::reset);
    CHECK(r.wait_metric("ends", 1));
  }
  SUBCASE("timeout") {
    CHECK(client.ask_for_reply(rpc(1, "/s/timeout")).tunid != 0);
    CHECK(r.wait_metric("ends", 1));
    CHECK(r.metric("links") == 0);
    CHECK(r.has_metric("error", ETIMEDOUT));
  }
  SUBCASE("a callback that throws") {
    auto peer = r.open(client, "/s/fail");
    peer.send("x");
    CHECK(wait_until([&] { return r.log.count("a stream's callback threw") == 1; }));
  }
}

TEST_CASE("what must wait for its turn keeps its order, and the client is held up meanwhile") {
  stream_rig r(2);
  SUBCASE("on two loops") {}
  SUBCASE("on a work queue") {
    r.settings.settings["streams"].work_queue = "slow";
  }
  r.start();
  auto a = r.connect();
  auto b = r.connect();
  auto first = r.open(a, "/s/echo");
  auto second = r.open(b, "/s/echo");
  b.send(rpc(9, "/s/slow"));
  std::jthread other([&] { CHECK(echoes(second, 4U << 20)); });
  CHECK(echoes(first, 4U << 20));
  other.join();
  CHECK(r.wait_metric("ends", 2));
  CHECK(r.has_metric("bytes", 8U << 20));
  CHECK(r.metric("lost") == 0);
  CHECK(r.metric("overlaps") == 0);
}

TEST_CASE("a plugin that stops takes its streams along") {
  stream_rig r;
  r.start();
  auto client = r.connect();
  auto peer = r.open(client, "/s/echo");
  auto waiting = client.ask_for_reply(rpc(2, "/s/echo"));
  peer.send("x");
  CHECK(read_raw(peer, 1) == "x");
  r.host->stop();
  CHECK(peer.wait_end() == ending::reset);  // an echo has never said all
  CHECK_THROWS(tcp_peer({"127.0.0.1", waiting.tunid}));
  CHECK(r.log.count("does not return") == 0);
}

TEST_CASE("limits of the service are told as such") {
  stream_rig r;
  r.start();
  auto client = r.connect();
  for (int i = 0; i < 64; ++i)
    CHECK(client.ask_for_reply(rpc(1, "/s/echo")).status == status_success);
  CHECK(client.ask_for_reply(rpc(1, "/s/echo")).status == status_no_memory);
  CHECK(client.ask_for_reply(rpc(1, "/stream", R"({"dir":"up"})")).status == status_no_memory);
}

}  // namespace plugin_streams_test
