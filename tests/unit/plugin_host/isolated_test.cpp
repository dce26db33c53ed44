// What a process of its own is for: whatever the plugin does there, its calls are answered, the
// host goes on, and the plugin comes back.
#include "plugin_host/isolation/isolated_plugin.hpp"

#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <future>
#include <new>
#include <stdexcept>
#include <thread>

#include "file.hpp"
#include "rig.hpp"

namespace isolated_test {

using namespace vsoa_test;

struct rogue_rig : rig {
  explicit rogue_rig(std::size_t loop_count = 2) : rig(loop_count) {
    dir.put(sample("rogue"), "rogue");
  }
  vsoad::config::plugin_settings& rogue_settings() { return settings.settings["rogue"]; }
  vsoad::plugin& rogue() const { return *host->find("rogue"); }
  packet ask(tcp_peer& peer, const std::string& url, const std::string& param = {},
             const std::string& data = {}) {
    return peer.ask_for_reply(rpc(++seqno, url, param, data));
  }
  pid_t pid(tcp_peer& peer) { return std::stoi(ask(peer, "/pid").param); }
  /// The plugin answers again.
  bool is_back(tcp_peer& peer) {
    return wait_until([&] { return ask(peer, "/r/echo", "1").status == status_success; });
  }
  std::uint32_t seqno = 0;
};

TEST_CASE("it runs in another process, and its state says so") {
  rogue_rig r;
  r.start();
  auto peer = r.connect();
  const pid_t pid = r.pid(peer);
  CHECK(pid != ::getpid());
  const auto state = r.rogue().state();
  CHECK(state.is_isolated);
  CHECK(state.phase == "running");
  CHECK(state.pid == pid);
  CHECK(state.restarts == 0);
  CHECK(state.last_exit.empty());
  r.host->stop();
  CHECK(r.rogue().state().phase == "stopped");
  CHECK(::kill(pid, 0) == -1);  // reaped
}

TEST_CASE("killed under load: every call is answered, and it comes back") {
  rogue_rig r;
  r.start();
  std::vector<tcp_peer> peers;
  for (int i = 0; i < 8; ++i)
    peers.push_back(r.connect());
  const pid_t pid = r.pid(peers[0]);
  constexpr std::uint32_t calls = 50;
  for (auto& peer : peers) {
    for (std::uint32_t i = 1; i <= calls; ++i)
      peer.send(rpc(i, "/sink"));
  }
  REQUIRE(wait_until([&] { return r.rogue().calls_deferred() == peers.size() * calls; }));
  REQUIRE(::kill(pid, SIGKILL) == 0);
  for (auto& peer : peers) {
    for (std::uint32_t i = 1; i <= calls; ++i)
      CHECK(peer.read().status == status_no_responding);
  }
  CHECK(r.is_back(peers[0]));
  CHECK(r.pid(peers[0]) != pid);
  CHECK(r.rogue().state().restarts == 1);
  CHECK(r.rogue().state().last_exit == "it was ended by SIGKILL");
  CHECK(
      r.is_logged("plugin rogue: its process is gone: it was ended by SIGKILL; started again in "
                  "100 ms"));
}

TEST_CASE("a call while there is no process is answered at once") {
  rogue_rig r;
  r.start();
  auto peer = r.connect();
  CHECK(r.ask(peer, "/abort").status == status_no_responding);
  CHECK(r.ask(peer, "/pid").status == status_no_responding);
  CHECK(r.is_back(peer));
  CHECK(r.rogue().state().last_exit == "it was ended by SIGABRT");
}

TEST_CASE("how it ends is told") {
  rogue_rig r;
  r.start();
  auto peer = r.connect();
  SUBCASE("an exit") {
    CHECK(r.ask(peer, "/exit").status == status_no_responding);
    CHECK(r.is_logged("its process is gone: it has ended with exit code 7"));
  }
  SUBCASE("nonsense on the control socket") {
    peer.send(rpc(1, "/garbage", "control"));
    CHECK(r.is_logged("its process is gone: what it says makes no sense"));
  }
  SUBCASE("nonsense on the host socket") {
    peer.send(rpc(1, "/garbage", "host"));
    CHECK(r.is_logged("its process is gone: what it asks makes no sense"));
  }
  SUBCASE("nonsense on a channel") {
    peer.send(rpc(1, "/garbage", "channel"));
    CHECK(r.is_logged("its process is gone: it has closed the sockets to the daemon"));
  }
  CHECK(r.is_back(peer));
}

TEST_CASE("a loop that hangs is noticed, and the plugin ended") {
  rogue_rig r;
  r.rogue_settings().isolation.ping_timeout = std::chrono::milliseconds(300);
  r.start();
  auto peer = r.connect();
  CHECK(r.ask(peer, "/hang").status == status_no_responding);
  CHECK(wait_until(
      [&] { return r.rogue().state().last_exit == "it has not answered a ping in time"; }));
  CHECK(r.is_back(peer));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("too much memory ends it") {
  rogue_rig r;
  r.rogue_settings().isolation.memory = 48U << 20;
  r.start();
  auto peer = r.connect();
  CHECK(r.ask(peer, "/hog").status == status_no_responding);
  CHECK(wait_until([&] {
    return r.rogue().state().last_exit.find("and may take 48 MiB") != std::string::npos;
  }));
  CHECK(r.is_back(peer));
}
#endif

TEST_CASE("open files are limited, and what reaches beyond the process is refused") {
  rogue_rig r;
  r.rogue_settings().isolation.files = 128;
  r.start();
  auto peer = r.connect();
  const int files = std::stoi(r.ask(peer, "/files").param);
  CHECK(files > 32);
  CHECK(files < 128);
  CHECK(r.ask(peer, "/forbidden").param ==
        "\"refused refused refused ok refused refused refused refused ok \"");
}

TEST_CASE("a stop ends it wherever its restart has come to") {
  for (int step = 0; step < 12; ++step) {
    CAPTURE(step);
    rogue_rig r(1);
    r.start();
    const auto pid = static_cast<pid_t>(r.rogue().state().pid);
    REQUIRE(::kill(pid, SIGKILL) == 0);
    // Up to 110 ms: from its end over the time until it is started again to its start().
    std::this_thread::sleep_for(std::chrono::milliseconds(step == 0 ? 0 : 88 + 2 * step));
    const auto begin = std::chrono::steady_clock::now();
    CHECK(r.host->stop(std::chrono::milliseconds(2000)));
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(2));
    CHECK(r.rogue().state().phase == "stopped");
    CHECK_FALSE(r.rogue().is_running());
  }
}

TEST_CASE("a program that it has started and left goes with it") {
  rogue_rig r;
  r.start();
  auto peer = r.connect();
  const pid_t pid = std::stoi(r.ask(peer, "/leave").param);
  REQUIRE(pid > 0);
  REQUIRE(::kill(pid, 0) == 0);
  CHECK(r.ask(peer, "/exit").status == status_no_responding);
  CHECK(wait_until([&] {
    const std::string text = read_file("/proc/" + std::to_string(pid) + "/stat");
    return text.empty() || text[text.rfind(')') + 2] == 'Z';
  }));
}

TEST_CASE("a process fills no log") {
  rogue_rig r;
  r.start();
  auto peer = r.connect();
  CHECK(r.ask(peer, "/chatter").status == status_success);
  CHECK(wait_until([&] { return r.log.count("lines of its log are suppressed") > 0; }));
  CHECK(r.log.count("chatter") > 50);
  CHECK(r.log.count("chatter") <= 300);
}

TEST_CASE("one that has been replaced is not started again") {
  rogue_rig r;
  r.start();
  vsoad::plugin& rogue = r.rogue();
  rogue.replaced();
  auto peer = r.connect();
  CHECK(r.ask(peer, "/exit").status == status_no_responding);
  CHECK(wait_until([&] { return rogue.state().phase == "stopped"; }));
  CHECK_FALSE(rogue.is_running());
  CHECK(rogue.state().restarts == 0);
  CHECK(rogue.start() != "");
}

TEST_CASE("one that dies just after its start() sends no client away") {
  rogue_rig r;
  r.rogue_settings().config_json = "\"die soon\"";
  r.start();
  auto peer = r.connect();
  CHECK(wait_until([&] { return r.rogue().state().restarts >= 3; }));
  CHECK(peer.ask(ping(1)).seqno == 1);
  CHECK(r.rogue().counts().events_refused == 0);
}

TEST_CASE("the thread that watches outlives what throws on it") {
  log_book log;
  vsoad::isolation::supervisor thread(log.sink());
  std::atomic<int> ticks{0};
  std::unique_ptr<vsoad::isolation::supervisor::watch> tick;
  thread.post([&] {
    tick = thread.every(std::chrono::milliseconds(1), [&] {
      if (++ticks == 2) throw std::bad_alloc();
    });
    throw std::runtime_error("once");
  });
  CHECK(wait_until([&] { return ticks > 3; }));
  CHECK(log.count("watching the processes of plugins has failed: once") == 1);
  std::promise<void> is_over;
  thread.post([&] {
    tick.reset();
    is_over.set_value();
  });
  is_over.get_future().wait();
}

TEST_CASE("one that does not stay is started later each time") {
  rogue_rig r(1);
  r.start();
  auto peer = r.connect();
  for (const char* delay : {"100 ms", "200 ms", "400 ms"}) {
    REQUIRE(r.is_back(peer));
    peer.send(rpc(1, "/exit"));
    CHECK(r.is_logged(std::string("exit code 7; started again in ") + delay));
    CHECK(peer.read().status == status_no_responding);
  }
  CHECK(r.is_back(peer));
  CHECK(r.rogue().state().restarts == 3);
}

TEST_CASE("back_off doubles, has an upper bound, and begins anew after a long run") {
  using namespace std::chrono_literals;
  vsoad::isolation::back_off delays;
  CHECK(delays.next() == 100ms);
  CHECK(delays.next() == 200ms);
  for (int i = 0; i < 20; ++i)
    (void)delays.next();
  CHECK(delays.next() == 30s);
  delays.ran(59s);
  CHECK(delays.next() == 30s);
  delays.ran(60s);
  CHECK(delays.next() == 100ms);
}

TEST_CASE("clients that are there are told of again") {
  rogue_rig r;
  r.start();
  auto one = r.connect();
  auto two = r.connect();
  CHECK(r.has_metric("connected", 2));
  CHECK(r.ask(one, "/exit").status == status_no_responding);
  REQUIRE(r.is_back(one));
  CHECK(r.has_metric("connected", 4));
  two.close();
  CHECK(r.has_metric("disconnected", 1));
}

TEST_CASE("who has come or gone while nobody told it is known from the next list") {
  rogue_rig r;
  r.start();
  auto one = r.connect();
  auto two = r.connect();
  CHECK(r.has_metric("connected", 2));
  r.hears_clients = false;
  auto three = r.connect();
  two.close();
  REQUIRE(wait_until([&] { return r.server.clients().size() == 2; }));
  r.hears_clients = true;
  r.rogue().set_services({1});
  CHECK(r.has_metric("connected", 3));
  CHECK(r.has_metric("disconnected", 1));
  r.rogue().set_services({1});
  CHECK(r.ask(one, "/pid").status == status_success);
  one.close();
  CHECK(r.has_metric("disconnected", 2));
  CHECK(r.metric("connected") == 3);
}

TEST_CASE("one that does not start is not started again") {
  rogue_rig r;
  r.rogue_settings().config_json = "\"exit\"";
  r.start();
  CHECK(r.host->outlines().empty());
  CHECK(r.log.count("rogue.so is not served: it has ended with exit code 9") == 1);
}

TEST_CASE("a file that is no plugin is refused as in the daemon") {
  rig r;
  for (const char* wrong : {"wrong-major", "no-entry", "undefined", "other-name", "null-main"})
    r.dir.put(sample(wrong), wrong);
  r.start();
  CHECK(r.host->failures().size() == 5);
  CHECK(r.log.count("undefined symbol") == 1);
  CHECK(r.log.count("is not served: it calls itself") + r.log.count("somebody") >= 1);
}

TEST_CASE("what a thread has published comes before its answer") {
  rogue_rig r;
  r.start();
  std::vector<tcp_peer> peers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(r.connect());
    CHECK(peers.back().ask(subscribe(1, "/threaded")).status == status_success);
  }
  for (auto& peer : peers) {
    peer.send(rpc(9, "/thread"));
    for (auto& each : peers) {
      for (int i = 0; i < 20; ++i)
        CHECK(each.read().param == std::to_string(i));
    }
    CHECK(peer.read().param == "\"done\"");
  }
}

TEST_CASE("calls as large as a packet may be") {
  rogue_rig r(1);
  r.start();
  auto peer = r.connect();
  constexpr std::size_t room = vsoa::max_packet_bytes - vsoa::header_bytes - 8;
  for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{4}, std::size_t{40}}) {
    CAPTURE(cut);
    const std::string large(room - cut, 'x');
    CHECK(r.ask(peer, "/r/echo", "", large).data == large);
    CHECK(r.ask(peer, "/r/echo", large).param == large);
    CHECK(r.ask(peer, "/r/echo", "1").param == "1");  // nothing is left of the one before
  }
  const std::string half(room / 2, 'y');
  const auto reply = r.ask(peer, "/r/echo", half, half);
  CHECK(reply.param == half);
  CHECK(reply.data == half);
}

TEST_CASE("a plugin that hangs is ended by stop()") {
  rogue_rig r;
  r.start();
  auto peer = r.connect();
  peer.send(rpc(1, "/hang"));
  REQUIRE(wait_until([&] { return r.server.stats().calls == 1; }));
  CHECK(r.host->stop(std::chrono::milliseconds(50)));
  CHECK(r.is_logged("does not return: the plugin is abandoned without stop()"));
  CHECK(peer.read().status == status_no_responding);
}

}  // namespace isolated_test
