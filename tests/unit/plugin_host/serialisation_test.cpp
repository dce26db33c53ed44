// One callback at a time for plain plugins, no waiting loops, and the work queues.
#include <doctest/doctest.h>
#include <poll.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "rig.hpp"

namespace serialisation_test {

using namespace vsoa_test;

/// As many clients as it takes for two to be on different loops; here each loop takes turns.
std::vector<tcp_peer> connect(rig& r, int count) {
  std::vector<tcp_peer> peers;
  for (int i = 0; i < count; ++i)
    peers.push_back(r.connect());
  return peers;
}

TEST_CASE("a plain plugin's callbacks do not overlap, and each call is answered") {
  rig r(4);
  r.dir.put(sample("probe"), "probe");
  r.start();
  auto peers = connect(r, 8);
  constexpr std::uint32_t rounds = 25;
  for (std::uint32_t i = 0; i < rounds; ++i) {
    for (auto& peer : peers)
      peer.send(rpc(i, "/sleep", "1"));
  }
  for (auto& peer : peers) {
    for (std::uint32_t i = 0; i < rounds; ++i) {
      const auto reply = peer.read();
      CHECK(reply.seqno == i);  // in order for each client
      CHECK(reply.param == "\"slept\"");
    }
  }
  CHECK(r.metric("overlaps") == 0);
}

TEST_CASE("a loop does not wait for a plugin that another keeps busy") {
  rig r(2);
  r.dir.put(sample("probe"), "probe");
  r.dir.put(bundled("echo"), "echo");
  r.start();
  auto peers = connect(r, 8);
  const std::string done = r.dir.path() + "/done";
  peers[0].send(rpc(1, "/wait", "\"" + done + "\""));
  REQUIRE(r.has_metric("inside", 1));
  // Their calls of the busy plugin wait. The others do not, but for those on a loop that is in it.
  for (std::size_t i = 1; i < peers.size(); ++i) {
    peers[i].send(rpc(2, "/lambda"));
    peers[i].send(rpc(3, "/echo", "1"));
  }
  std::vector<pollfd> sockets;
  for (const auto& peer : peers)
    sockets.push_back({peer.fd(), POLLIN, 0});
  REQUIRE(::poll(sockets.data(), sockets.size(), static_cast<int>(patience.count())) > 0);
  CHECK(sockets[0].revents == 0);
  const auto answered = std::find_if(sockets.begin(), sockets.end(),
                                     [](const pollfd& each) { return each.revents != 0; });
  auto& prompt = peers[static_cast<std::size_t>(answered - sockets.begin())];
  CHECK(prompt.read().seqno == 3);
  std::ofstream{done};
  CHECK(prompt.read().seqno == 2);
  CHECK(peers[0].read().param == "\"waited\"");
}

TEST_CASE("on a work queue a plugin may block, its events included") {
  rig r(1);
  r.dir.put(sample("probe"), "probe");
  r.dir.put(bundled("echo"), "echo");
  r.settings.settings["probe"].work_queue = "slow";
  r.start();
  auto peer = r.connect();
  const std::string done = r.dir.path() + "/done";
  peer.send(rpc(1, "/wait", "\"" + done + "\""));
  REQUIRE(r.has_metric("inside", 1));  // or another worker may have the datagram handled first
  peer.send(datagram("/slow"));
  peer.send(rpc(2, "/echo"));
  CHECK(peer.read().seqno == 2);  // the only loop is free
  std::ofstream{done};
  bool waited = false, back = false;
  for (int i = 0; i < 2; ++i) {
    const auto p = peer.read();
    waited = waited || p.param == "\"waited\"";
    back = back || p.url == "/slow";
  }
  CHECK(waited);
  CHECK(back);
  CHECK(r.has_metric("connected", 1));
}

TEST_CASE("a full work queue refuses calls and loses no event") {
  rig r(1);
  r.queues["slow"] = {1, 1};
  r.dir.put(sample("probe"), "probe");
  r.settings.settings["probe"].work_queue = "slow";
  r.start();
  auto peer = r.connect();
  REQUIRE(wait_until([&] { return r.metric("connected") == 1; }));
  for (std::uint32_t i = 0; i < 10; ++i)
    peer.send(rpc(i, "/sleep", "50"));
  peer.send(subscribe(100, "/x"));
  int refused = 0, slept = 0;
  for (int i = 0; i < 11; ++i) {
    const auto p = peer.read();
    if (p.status == status_no_memory) ++refused;
    if (p.param == "\"slept\"") ++slept;
  }
  CHECK(slept >= 1);
  CHECK(refused == 10 - slept);
  CHECK(wait_until([&] { return r.metric("subscribed") == 1; }));
}

TEST_CASE("an inline handler that keeps its loop is named") {
  rig r(1);
  r.stall_warning = std::chrono::milliseconds(50);
  r.dir.put(sample("probe"), "probe");
  r.start();
  auto peer = r.connect();
  const std::string done = r.dir.path() + "/done";
  peer.send(rpc(1, "/wait", "\"" + done + "\""));
  CHECK(wait_until(
      [&] { return r.log.count("plugin probe, command /wait has kept its event loop") == 1; }));
  CHECK(wait_until([&] { return r.host->find("probe")->counts().stalls == 1; }));
  std::ofstream{done};
  CHECK(peer.read().seqno == 1);
  CHECK(wait_until([&] { return r.log.count("command /wait returned after about") == 1; }));
}

// A process is killed instead: isolated_test.
TEST_CASE("stop() waits for a callback, and gives up on one that does not return" *
          doctest::skip(is_isolated)) {
  rig r(2);
  r.dir.put(sample("probe"), "probe");
  r.start();
  auto peer = r.connect();
  peer.send(rpc(1, "/sleep", "200"));
  REQUIRE(wait_until([&] { return r.server.stats().calls == 1; }));
  SUBCASE("patient") {
    CHECK(r.host->stop(std::chrono::seconds(20)));
    CHECK(peer.read().param == "\"slept\"");
  }
  SUBCASE("impatient") {
    CHECK_FALSE(r.host->stop(std::chrono::milliseconds(1)));
    CHECK_FALSE(r.host->stop());
    CHECK(r.log.count("the plugin is abandoned without stop()") == 1);
    CHECK(peer.read().param == "\"slept\"");
  }
}

TEST_CASE("stop() gives up on a plugin whose own stop() does not return" *
          doctest::skip(is_isolated)) {
  rig r(2);
  r.dir.put(sample("probe"), "probe");
  const scratch gate;
  const std::string file = gate.path() + "/open";
  const auto open = [&] { std::ofstream{file}; };
  r.settings.settings["probe"].config_json = "\"until " + file + "\"";  // it exists
  r.start();
  SUBCASE("patient") {
    open();
    CHECK(r.host->stop(std::chrono::seconds(20)));
    CHECK(r.log.count("bye") == 1);
  }
  SUBCASE("impatient") {
    CHECK_FALSE(r.host->stop(std::chrono::milliseconds(1)));
    CHECK_FALSE(r.host->stop());
    CHECK(r.log.count("its stop() does not return: the plugin is abandoned") == 1);
    // Left to itself it comes to its end, and what it uses is still there; but nobody hears it.
    open();
    CHECK(wait_until([&] { return !std::filesystem::exists(file); }));
    CHECK(r.log.count("bye") == 0);
  }
  SUBCASE("in a hurry") {
    const auto begin = std::chrono::steady_clock::now();
    CHECK_FALSE(r.host->stop(std::chrono::minutes(1), [] { return true; }));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
    open();
    CHECK(wait_until([&] { return !std::filesystem::exists(file); }));
  }
}

TEST_CASE("concurrent plugins run on several loops at once") {
  rig r(2);
  r.dir.put(sample("probe-concurrent"), "probe-concurrent");
  r.start();
  auto peers = connect(r, 8);
  for (auto& peer : peers)
    peer.send(rpc(1, "/sleep", "50"));
  for (auto& peer : peers)
    CHECK(peer.read().param == "\"slept\"");
  CHECK(wait_until([&] { return r.metric("overlaps") >= 1; }));
}

}  // namespace serialisation_test
