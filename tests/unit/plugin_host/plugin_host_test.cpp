// The host functions and the life of a plugin, seen from inside by the probe and from outside by a
// client of a real server.
#include "plugin_host/plugin_host.hpp"

#include <doctest/doctest.h>

#include <fstream>

#include "rig.hpp"

namespace plugin_host_test {

using namespace vsoa_test;

struct probe_rig : rig {
  explicit probe_rig(const std::string& name = "probe", std::size_t loop_count = 2)
      : rig(loop_count), plugin(name) {
    dir.put(sample(name), name);
  }
  packet ask(tcp_peer& peer, const std::string& url, const std::string& param = {},
             const std::string& data = {}) {
    return peer.ask_for_reply(rpc(++seqno, url, param, data));
  }
  std::string param(tcp_peer& peer, const std::string& url, const std::string& text = {}) {
    const auto reply = ask(peer, url, text);
    CHECK(reply.status == status_success);
    return reply.param;
  }
  const std::string plugin;
  std::uint32_t seqno = 0;
};

TEST_CASE("a command sees URL, command, path and data") {
  probe_rig r;
  r.service.plugins.push_back({"probe", "/p"});
  r.start();
  auto peer = r.connect();
  CHECK(r.param(peer, "/p/x/y") == R"(["/p/x/y","/","/x/y"])");
  CHECK(r.param(peer, "/p") == R"(["/p","/","/"])");
  CHECK(r.param(peer, "/p/tree/leaf") == R"(["/p/tree/leaf","/tree/","/tree/leaf"])");
  CHECK(r.param(peer, "/p/self") == R"(["/p/self","/self","/self"])");
  CHECK(r.param(peer, "/p/lambda") == "\"lambda\"");
  CHECK(r.ask(peer, "/p/x", "", "some data").data == "some data");
  CHECK(r.ask(peer, "/elsewhere").status == status_invalid_url);
}

TEST_CASE("the settings arrive as JSON") {
  probe_rig r;
  r.settings.settings["probe"].config_json = R"({"a":1})";
  r.start();
  auto peer = r.connect();
  CHECK(r.param(peer, "/config") == R"({"a":1})");
}

TEST_CASE("a plugin that does not start is reported and not served") {
  probe_rig r;
  r.dir.put(sample("fails"), "fails");
  r.dir.put(sample("good"), "good");
  r.settings.settings["probe"].config_json = "\"throw\"";
  r.start();
  CHECK(r.host->failures().size() == 2);
  CHECK(r.log.count("fails.so is not served: its start() returned 3") == 1);
  CHECK(r.log.count("plugin probe: does not start: told not to start") == 1);
  CHECK(r.host->find("fails") == nullptr);
  REQUIRE(r.host->outlines().size() == 1);
  auto peer = r.connect();
  CHECK(r.ask(peer, "/a").status == status_success);  // good's, though fails comes first
  CHECK(r.ask(peer, "/config").status == status_invalid_url);
}

TEST_CASE("a plugin that no service uses is not started") {
  probe_rig r;
  r.service.all_plugins = false;
  r.start();
  CHECK(r.host->slots().size() == 1);
  CHECK_FALSE(r.host->find("probe")->is_running());
}

TEST_CASE("what a plugin throws is logged and answered") {
  probe_rig r;
  r.start();
  auto peer = r.connect();
  CHECK(r.ask(peer, "/fail").status == status_no_responding);
  CHECK(r.is_logged("plugin probe: a command threw: told to fail", 1, vsoa::log_level::error));
  CHECK(r.ask(peer, "/queue-throw", "slow").param == "0");
  CHECK(wait_until([&] { return r.log.count("plugin probe: a job threw") == 1; }));
}

TEST_CASE("deferred calls are answered from anywhere, once") {
  probe_rig r;
  r.start();
  auto peer = r.connect();
  CHECK(r.param(peer, "/thread") == "\"thread\"");
  CHECK(r.param(peer, "/twice") == "\"right\"");
  CHECK(r.param(peer, "/queue", "slow") == "\"from the queue\"");
  CHECK(r.param(peer, "/queue", "none") == "-2");
  CHECK(r.param(peer, "/queue") == "-2");  // has no queue of its own
  CHECK(r.param(peer, "/timer") == "\"ticked\"");
  CHECK(r.param(peer, "/stale") == "\"first\"");
  CHECK(r.param(peer, "/stale-result") == "-2");
  CHECK(wait_until([&] { return r.host->find("probe")->calls_deferred() == 0; }));
}

TEST_CASE("a call may go without an answer") {
  probe_rig r;
  r.start();
  auto peer = r.connect();
  peer.send(rpc(1001, "/silent"));
  peer.send(rpc(1002, "/drop"));
  CHECK(peer.ask(rpc(1003, "/lambda")).seqno == 1003);
}

TEST_CASE("wrong answers") {
  probe_rig r;
  r.start();
  auto peer = r.connect();
  CHECK(r.ask(peer, "/too-large").status == status_no_memory);
  CHECK(r.has_metric("too_large", VSOA_E_ARGUMENT));
  CHECK(r.ask(peer, "/bad-status").status == status_no_responding);
  CHECK(r.has_metric("bad_status", VSOA_E_ARGUMENT));
}

TEST_CASE("clients: information and settings") {
  probe_rig r;
  r.start();
  auto peer = r.connect();
  CHECK(r.param(peer, "/info") == R"(["127.0.0.1","",0,1,"cabin",1,1])");
  CHECK(r.param(peer, "/set") == "\"0 -1 0 0 0 -2 -2\"");
  CHECK(
      wait_until([&] { return r.param(peer, "/info") == R"(["127.0.0.1","",5,1,"cabin",1,1])"; }));
  CHECK(r.has_metric("connected", 1));
  peer.send(rpc(1, "/close"));
  CHECK(peer.wait_end() != ending::none);
  CHECK(r.has_metric("disconnected", 1));
}

TEST_CASE("publishing, subscriptions and datagrams") {
  probe_rig r;
  r.start();
  auto peer = r.connect();
  CHECK(r.param(peer, "/publish", "/news") == "[0,0,0]");
  CHECK(peer.ask(subscribe(50, "/news")).status == status_success);
  CHECK(r.has_metric("subscribed", 1));
  peer.send(rpc(51, "/publish", "/news", "bytes"));
  bool published = false, answered = false;
  for (int i = 0; i < 2; ++i) {
    const auto p = peer.read();
    if (p.type == type_publish) {
      published = p.url == "/news" && p.param == "\"news\"" && p.data == "bytes";
    } else {
      answered = p.param == "[0,1,1]";
    }
  }
  CHECK(published);
  CHECK(answered);
  CHECK(r.param(peer, "/publish", "no-slash") == "[-1,0,0]");
  CHECK(peer.ask(unsubscribe(52, "/news")).status == status_success);
  CHECK(r.has_metric("unsubscribed", 1));
  peer.send(datagram("/ping", "[1]", "data"));
  const auto back = peer.read();
  CHECK(back.type == type_datagram);
  CHECK(back.url == "/ping");
  CHECK(back.param == "[1]");
  CHECK(back.data == "data");
}

TEST_CASE("a command with a limit of time is answered when that is over") {
  probe_rig r;
  const auto limit = [&](const std::string& url, std::chrono::milliseconds time,
                         const std::string& queue = {}) {
    vsoad::config::command_settings c;
    c.url = url;
    c.plugin = "probe";
    c.work_queue = queue;
    c.timeout = time;
    r.service.commands.push_back(c);
  };
  constexpr std::chrono::milliseconds soon{20}, late{60000};
  limit("/keep", soon);
  limit("/wait", soon, "slow");
  limit("/seen", late);
  limit("/queue", late, "slow");
  limit("/silent", late);
  limit("/fail", late, "slow");
  limit("/drop", late);
  r.start();
  auto peer = r.connect();
  SUBCASE("deferred") {
    CHECK(r.ask(peer, "/keep").status == status_no_responding);
    CHECK(wait_until([&] { return r.host->find("probe")->calls_deferred() == 0; }));
    CHECK(wait_until([&] { return r.host->find("probe")->counts().calls_timed_out == 1; }));
    // stop() answers what was kept: too late.
    r.host->stop();
    CHECK(peer.silent());
  }
  SUBCASE("at work on a queue") {
    const std::string done = r.dir.path() + "/done";
    // Should the queue's thread not run for that long, the call has not begun.
    bool has_begun = false;
    for (int i = 0; i < 3 && !has_begun; ++i) {
      CHECK(r.ask(peer, "/wait", "\"" + done + "\"").status == status_no_responding);
      has_begun = wait_until([&] { return r.metric("inside") == 1; }, milliseconds(3000));
    }
    REQUIRE(has_begun);
    // The next does not even begin.
    CHECK(r.ask(peer, "/wait", "\"/never\"").status == status_no_responding);
    std::ofstream{done};
    CHECK(r.host->stop());
    CHECK(peer.silent());
  }
  SUBCASE("in time") {
    CHECK(r.ask(peer, "/seen", "", "data").data == "data");
    CHECK(r.param(peer, "/queue", "slow") == "\"from the queue\"");
    CHECK(r.ask(peer, "/fail").status == status_no_responding);
    peer.send(rpc(90, "/silent"));
    peer.send(rpc(91, "/drop"));
    CHECK(r.ask(peer, "/seen").status == status_success);
    CHECK(r.host->find("probe")->counts().calls_timed_out == 0);
    CHECK(wait_until([&] { return r.host->find("probe")->calls_deferred() == 0; }));
  }
}

TEST_CASE("timers tick until they are stopped, those of start() included") {
  probe_rig r;
  r.settings.settings["probe"].config_json = "\"timer\"";
  r.start();
  auto peer = r.connect();
  CHECK(r.has_metric("early", 1));
  CHECK(r.param(peer, "/ticking") == "true");
  CHECK(r.has_metric("ticked", 3));
}

TEST_CASE("at the end, stop() may answer, and what is left is answered NO_RESPONDING") {
  probe_rig r;
  r.start();
  auto peer = r.connect();
  peer.send(rpc(71, "/keep"));
  peer.send(rpc(72, "/leak"));
  REQUIRE(wait_until([&] { return r.host->find("probe")->calls_deferred() == 2; }));
  REQUIRE(r.host->stop());
  auto reply = peer.read();
  CHECK(reply.seqno == 71);
  CHECK(reply.param == "\"stopping\"");
  reply = peer.read();
  CHECK(reply.seqno == 72);
  CHECK(reply.status == status_no_responding);
  CHECK(r.log.count("plugin probe: bye") == 1);
  CHECK(r.ask(peer, "/lambda").status == status_no_responding);
  CHECK(r.host->stop());
}

TEST_CASE("writing over a loaded file changes nothing") {
  probe_rig r;
  r.start();
  auto peer = r.connect();
  {
    std::ofstream over(r.dir.file("probe.so"), std::ios::trunc);
    over << "no library any more";
  }
  CHECK(r.param(peer, "/lambda") == "\"lambda\"");
  CHECK(r.ask(peer, "/fail").status == status_no_responding);
}

}  // namespace plugin_host_test
