// Plugins that come, are replaced and go while the host runs.

#include <doctest/doctest.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "rig.hpp"

namespace replace_test {

using namespace vsoa_test;

using lines = std::vector<std::string>;

struct replace_rig : rig {
  packet ask(tcp_peer& peer, const std::string& url, const std::string& param = {}) {
    return peer.ask_for_reply(rpc(++seqno, url, param));
  }
  /// Puts another file in place, as a package manager does.
  void rename(const std::string& source, const std::string& name) const {
    dir.put(sample(source), name + "-new");
    std::filesystem::rename(dir.file(name + "-new.so"), dir.file(name + ".so"));
  }
  std::string version(const std::string& name) const { return host->find(name)->version(); }
  std::uint32_t seqno = 0;
};

TEST_CASE("a plugin that is added is served, and one that is removed is not") {
  replace_rig r;
  r.start();
  auto peer = r.connect();
  CHECK(r.ask(peer, "/a").status == status_invalid_url);
  r.dir.put(sample("good"), "good");
  CHECK(r.update() == lines{"plugin good 1.0: new"});
  CHECK(r.ask(peer, "/a").param == "/a");
  CHECK(r.update().empty());
  std::filesystem::remove(r.dir.file("good.so"));
  CHECK(r.update() == lines{"plugin good 1.0: removed"});
  CHECK(r.ask(peer, "/a").status == status_invalid_url);
  CHECK(r.retire());
  CHECK(r.log.count("plugin good 1.0 unloaded") == 1);
}

TEST_CASE("what is the same stays, however often it is looked at, with a work queue, too") {
  replace_rig r;
  r.dir.put(sample("good"), "good");
  r.start();
  const auto first = r.host->find("good");
  for (int i = 0; i < 4; ++i) {
    CHECK(r.update().empty());
    CHECK(r.host->find("good") == first);
  }
}

TEST_CASE("a plugin is replaced, by rename and by writing over it") {
  replace_rig r;
  r.dir.put(sample("good"), "good");
  r.start();
  auto peer = r.connect();
  r.rename("good-2", "good");
  CHECK(r.update() == lines{"plugin good 2.0: replaces 1.0"});
  CHECK(r.ask(peer, "/a").param == "/a");
  CHECK(r.version("good") == "2.0");
  r.dir.put(sample("good"), "good");
  CHECK(r.update() == lines{"plugin good 1.0: replaces 2.0"});
  CHECK(r.ask(peer, "/a").param == "/a");
  CHECK(r.retire());
  CHECK(r.log.count("unloaded") == 2);
}

TEST_CASE("one that fails its checks or its start leaves the one of before") {
  replace_rig r;
  r.dir.put(sample("good"), "good");
  r.start();
  auto peer = r.connect();
  r.rename("wrong-major", "good");
  CHECK(r.update().empty());
  CHECK(r.log.count("built for plugin ABI 9.1, this vsoad has 1.1; the one of before goes on") ==
        1);
  CHECK(r.ask(peer, "/a").param == "/a");
  r.rename("good-fails", "good");
  CHECK(r.update().empty());
  CHECK(r.log.count("its start() returned 3; the one of before goes on") == 1);
  CHECK(r.ask(peer, "/a").param == "/a");
  REQUIRE(r.host->failures().size() == 1);
  CHECK(r.host->failures()[0].reason == "its start() returned 3; the one of before goes on");
  // It is not tried again before it changes.
  CHECK(r.update().empty());
  CHECK(r.log.count("its start() returned 3") == 1);
  r.rename("good-2", "good");
  CHECK(r.update() == lines{"plugin good 2.0: replaces 1.0"});
  CHECK(r.host->failures().empty());
}

TEST_CASE("what is still being written is left as it is") {
  replace_rig r;
  r.dir.put(sample("good"), "good");
  r.start();
  auto peer = r.connect();
  const auto unfinished = [&](const std::string& path) {
    return path == r.dir.file("good.so") || path == r.dir.file("other.so");
  };
  r.dir.write("good.so", "half of it");
  r.dir.put(sample("other"), "other");
  CHECK(r.update(unfinished).empty());
  CHECK(r.ask(peer, "/a").param == "/a");
  CHECK(r.host->find("other") == nullptr);
  r.dir.write("third.so", "");  // just made
  CHECK(r.update(unfinished).empty());
  CHECK(r.host->failures().empty());
}

TEST_CASE("calls in flight end on the plugin that has them") {
  replace_rig r;
  r.dir.put(sample("probe"), "probe");
  r.start();
  auto peer = r.connect();
  peer.send(rpc(1, "/keep"));
  REQUIRE(wait_until([&] { return r.host->find("probe")->calls_deferred() == 1; }));
  peer.send(rpc(2, "/queue", "slow"));
  const auto answer = peer.read();
  CHECK(answer.param == "\"from the queue\"");
  const std::weak_ptr<vsoad::plugin> old = r.host->find("probe");
  r.dir.put(sample("probe"), "probe");
  CHECK(r.update().size() == 1);
  CHECK_FALSE(r.host->retire());  // the call that it keeps
  CHECK(r.ask(peer, "/lambda").param == "\"lambda\"");
  CHECK(old.lock()->is_running());
  // Its grace is over: stop() answers what it has kept.
  CHECK(r.host->retire(true));
  CHECK(peer.read().param == "\"stopping\"");
  CHECK(wait_until([&] { return r.old.collect(patience) && old.expired(); }));
}

TEST_CASE("its timers end, and host calls of the new one work") {
  replace_rig r;
  r.dir.put(sample("probe"), "probe");
  r.start();
  auto peer = r.connect();
  CHECK(r.ask(peer, "/ticking").param == "true");
  r.dir.put(sample("probe"), "probe");
  r.update();
  CHECK(r.retire());
  CHECK(r.ask(peer, "/info").status == status_success);
  CHECK(r.ask(peer, "/ticking").param == "true");
  CHECK(wait_until([&] { return r.metric("ticked") == 3; }));
}

TEST_CASE("other settings take another instance; if it does not start, they are refused") {
  replace_rig r;
  r.dir.put(sample("probe"), "probe");
  r.settings.settings["probe"].config_json = "1";
  r.start();
  auto peer = r.connect();
  r.settings.settings["probe"].config_json = "2";
  CHECK(r.update() == lines{"plugin probe 2.1: replaces 2.1"});
  CHECK(r.ask(peer, "/config").param == "2");
  r.settings.settings["probe"].config_json = "\"throw\"";
  const vsoad::service_wishes wishes[] = {{1, &r.service}};
  {
    const auto refused = r.host->prepare(r.settings, wishes);
    CHECK(refused->refused_settings().size() == 1);
  }
  CHECK(r.ask(peer, "/config").param == "2");
  CHECK(r.retire());
}

TEST_CASE("an update that is dropped leaves no trace") {
  replace_rig r;
  r.dir.put(sample("good"), "good");
  r.start();
  r.dir.put(sample("other"), "other");
  r.rename("good-2", "good");
  const vsoad::service_wishes wishes[] = {{1, &r.service}};
  { const auto dropped = r.host->prepare(r.settings, wishes); }
  CHECK(r.retire());
  CHECK(r.log.count("plugin good 2.0 unloaded") == 1);
  CHECK(r.log.count("plugin other 1.0 unloaded") == 1);
  CHECK(r.version("good") == "1.0");
  auto peer = r.connect();
  CHECK(r.ask(peer, "/a").param == "/a");
}

TEST_CASE("an update that is dropped has not started what a slot has") {
  replace_rig r;
  r.dir.put(sample("good"), "good");
  r.service.all_plugins = false;
  r.start();
  vsoad::config::service_settings wanted = r.service;
  wanted.all_plugins = true;
  const vsoad::service_wishes wishes[] = {{1, &wanted}};
  { const auto dropped = r.host->prepare(r.settings, wishes); }
  CHECK(r.retire());
  r.service = wanted;
  CHECK(r.update() == lines{"plugin good 1.0: used from now on"});
  auto peer = r.connect();
  CHECK(r.ask(peer, "/a").param == "/a");
}

TEST_CASE("a plugin that no service uses any more is stopped, and started when one does") {
  replace_rig r;
  r.dir.put(sample("good"), "good");
  r.start();
  auto peer = r.connect();
  r.service.all_plugins = false;
  CHECK(r.update() == lines{"plugin good 1.0: no service uses it any more"});
  CHECK(r.ask(peer, "/a").status == status_invalid_url);
  CHECK(r.retire());
  CHECK(r.log.count("plugin good 1.0 unloaded") == 1);
  r.service.all_plugins = true;
  CHECK(r.update() == lines{"plugin good 1.0: used from now on"});
  CHECK(r.ask(peer, "/a").param == "/a");
}

TEST_CASE("two that want one command: the first in order of name has it, whoever comes first") {
  replace_rig r;
  r.dir.put(sample("other"), "other");
  r.start();
  CHECK(r.routes.routes.at(0).plugin == "other");
  r.dir.put(sample("good"), "good");
  r.update();
  CHECK(r.routes.routes.at(0).plugin == "good");
  CHECK(r.routes.complaints ==
        lines{"service cabin: plugin other does not serve /a: plugin good does"});
  std::filesystem::remove(r.dir.file("good.so"));
  r.update();
  CHECK(r.routes.routes.at(0).plugin == "other");
}

TEST_CASE("replaced again and again under load: every call has its answer") {
  replace_rig r;
  r.dir.put(sample("good"), "good");
  r.dir.put(sample("probe"), "probe");
  r.start();
  std::atomic<bool> ends{false};
  std::atomic<int> wrong{0};
  std::atomic<int> answered{0};
  std::vector<std::thread> load;
  for (int i = 0; i < 3; ++i) {
    load.emplace_back([&] {
      auto peer = r.connect();
      std::uint32_t seqno = 0;
      while (!ends) {
        const auto a = peer.ask_for_reply(rpc(++seqno, "/a"));
        const auto b = peer.ask_for_reply(rpc(++seqno, "/queue", "slow"));
        // The queue may be full, of both.
        const bool good = a.status == status_success && b.status == status_success;
        if (!good) ++wrong;
        ++answered;
      }
    });
  }
  const int rounds = sanitized ? 20 : 50;
  for (int i = 0; i < rounds; ++i) {
    r.rename(i % 2 == 0 ? "good-2" : "good", "good");
    r.dir.put(sample("probe"), "probe");
    CHECK(r.update().size() == 2);
    const int before = answered;
    CHECK(wait_until([&] { return answered > before + 3; }));
    r.host->retire();
    r.old.collect(patience);
  }
  ends = true;
  for (auto& each : load)
    each.join();
  CHECK(wrong == 0);
  CHECK(r.retire());
}

}  // namespace replace_test
