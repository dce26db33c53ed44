// Plugins in processes of their own, under the real daemon: how those live and die with it.
#include <doctest/doctest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "daemon_runner.hpp"
#include "healthy_client.hpp"
#include "peer.hpp"
#include "tls_options.hpp"
#include "tls_peer.hpp"
#include "wait.hpp"

namespace isolation_test {

using namespace vsoa_test;

constexpr const char* isolated =
    ", settings: { streams: { isolation: process }, "
    "rogue: { isolation: process } } }\n";

std::string config(const std::string& rest = {}) {
  return std::string("runtime: { threads: 2 }\nplugins: { directory: \"" VSOAD_TEST_PLUGINS "\"") +
         isolated + "services:\n  - name: main\n    listen: \"127.0.0.1:0\"\n" +
         "    plugins: [ streams, rogue ]\n" + rest;
}

/// The state and the parent in /proc/PID/stat; nothing: there is no such process.
std::optional<std::pair<char, pid_t>> look_at(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);  // it may go while it is read
  const auto end = text.rfind(')');
  if (end == std::string::npos) return {};
  return std::pair{text[end + 2], static_cast<pid_t>(std::stoi(text.substr(end + 4)))};
}

bool is_gone(pid_t pid) {
  const auto now = look_at(pid);
  return !now || now->first == 'Z' || now->first == 'X';
}

pid_t ask_pid(tcp_peer& client) {
  const packet reply = client.ask(rpc(1, "/pid"));
  return reply.status == status_success ? std::stoi(reply.param) : 0;
}

TEST_CASE("the process is the daemon's child, and goes with it in good order") {
  daemon_runner vsoad{config()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  const pid_t pid = ask_pid(client);
  REQUIRE(look_at(pid));
  CHECK(look_at(pid)->second == vsoad.pid());
  // What goes to all of a unit is not for it.
  CHECK(::kill(pid, SIGTERM) == 0);
  CHECK(ask_pid(client) == pid);
  vsoad.signal(SIGTERM);
  CHECK(vsoad.wait_exit().code == 0);
  CHECK(is_gone(pid));
  CHECK(vsoad.lines_with("process is gone").empty());
}

TEST_CASE("a command with a queue and a limit of time") {
  daemon_runner vsoad{
      "work_queues: { a_queue_whose_name_is_long: { threads: 1 } }\n" +
      config("    commands:\n      /kept: { plugin: rogue, command: /pid, timeout: 10s, "
             "work_queue: a_queue_whose_name_is_long }\n")};
  tcp_peer client{vsoad.service()};
  client.handshake();
  const pid_t pid = ask_pid(client);
  REQUIRE(pid > 0);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const packet reply = client.ask(rpc(10 + i, "/kept"));
    CHECK(reply.status == status_success);
    CHECK(reply.param == std::to_string(pid));
  }
}

TEST_CASE("a daemon that is killed takes it along") {
  daemon_runner vsoad{config()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  const pid_t pid = ask_pid(client);
  REQUIRE(pid > 0);
  vsoad.signal(SIGKILL);
  (void)vsoad.wait_exit();
  CHECK(wait_until([&] { return is_gone(pid); }));
}

TEST_CASE("killed, it comes back, and the other plugins do not notice") {
  daemon_runner vsoad{config()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  const pid_t pid = ask_pid(client);
  CHECK(::kill(pid, SIGKILL) == 0);
  const bool is_said =
      vsoad.wait_for_line("plugin rogue: its process is gone: it was ended by SIGKILL");
  INFO(vsoad.output());
  REQUIRE(is_said);
  CHECK(client.ask(rpc(2, "/s/info")).status == status_success);
  CHECK(wait_until([&] { return ask_pid(client) > 0; }));
  CHECK(ask_pid(client) != pid);
}

TEST_CASE("streams over TLS are relayed to it") {
  certificate_authority ca;
  daemon_runner vsoad{config("    tls: { " + ca.issue().yaml() + " }\n")};
  tls_peer client{vsoad.service(), trusting(ca)};
  client.handshake();
  const packet offer = client.ask(rpc(1, "/s/echo"));
  REQUIRE(offer.tunid != 0);
  tls_peer stream{endpoint{"127.0.0.1", offer.tunid}, trusting(ca)};
  REQUIRE(stream.secure() == "");
  // A stream carries any bytes, so these as well.
  const packet there = rpc(77, "/through", "\"the stream\"", std::string(100000, 'x'));
  const packet back = stream.ask(there);
  CHECK(back.url == "/through");
  CHECK(back.data == there.data);
  SUBCASE("and end when it is said") {
    stream.say_goodbye();
    CHECK(stream.wait_end() != ending::none);
  }
  SUBCASE("and are cut off, and look so, when it dies") {
    const packet pid = client.ask(rpc(2, "/s/pid"));
    REQUIRE(pid.status == status_success);
    CHECK(::kill(std::stoi(pid.param), SIGKILL) == 0);
    CHECK(stream.wait_end() != ending::none);
    CHECK_FALSE(stream.was_told_goodbye());
  }
}

TEST_CASE("plain streams are its own, and reset when it dies") {
  daemon_runner vsoad{config()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  const packet offer = client.ask(rpc(1, "/s/echo"));
  REQUIRE(offer.tunid != 0);
  tcp_peer stream{endpoint{"127.0.0.1", offer.tunid}};
  const packet back = stream.ask(rpc(77, "/through", "1"));
  CHECK(back.param == "1");
  const packet pid = client.ask(rpc(2, "/s/pid"));
  CHECK(::kill(std::stoi(pid.param), SIGKILL) == 0);
  CHECK(stream.wait_end() == ending::reset);
}

/// The processes of plugins that a daemon has, by the threads that made them.
std::vector<pid_t> children_of(pid_t daemon) {
  std::vector<pid_t> all;
  const std::string tasks = "/proc/" + std::to_string(daemon) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks)) {
    try {
      std::ifstream file(task.path() / "children");
      for (pid_t child = 0; file >> child;) {
        if (!is_gone(child)) all.push_back(child);
      }
    } catch (const std::ios_base::failure&) {
      continue;  // the thread has ended meanwhile, and none of those that have children does
    }
  }
  return all;
}

TEST_CASE(
    "a reload moves a plugin into a process, renews that, and takes it back: no call is lost") {
  const auto with = [](const std::string& settings) {
    return with_plugins("plugins: { directory: \"" + plugin_directory() +
                        "\", settings: { echo: { " + settings +
                        " } } }\nservices:\n  - name: main\n    listen: \"127.0.0.1:0\"\n"
                        "    plugins: [ echo ]\n");
  };
  daemon_runner vsoad{with("isolation: none")};
  healthy_client one(vsoad.service());
  healthy_client other(vsoad.service());
  const auto served_on = [&] {
    const std::size_t before = one.answers(), of_other = other.answers();
    return wait_until(
        [&] { return one.answers() > before + 10 && other.answers() > of_other + 10; });
  };
  for (int round = 0; round < 3; ++round) {
    CHECK(children_of(vsoad.pid()).empty());
    REQUIRE(vsoad.reload(with("isolation: process")));
    CHECK(served_on());
    const auto first = children_of(vsoad.pid());
    REQUIRE(first.size() == 1);
    REQUIRE(vsoad.reload(with("isolation: process, limits: { files: 256 }")));
    CHECK(served_on());
    CHECK(wait_until([&] { return is_gone(first.front()); }));
    CHECK(children_of(vsoad.pid()).size() == 1);
    // A file that is refused changes nothing.
    CHECK_FALSE(vsoad.reload(with("isolation: elsewhere")));
    CHECK(served_on());
    CHECK(children_of(vsoad.pid()).size() == 1);
    REQUIRE(vsoad.reload(with("isolation: none")));
    CHECK(served_on());
    CHECK(wait_until([&] { return children_of(vsoad.pid()).empty(); }));
  }
  for (healthy_client* each : {&one, &other}) {
    const auto report = each->stop();
    CHECK_MESSAGE(report.trouble.empty(), report.text());
  }
  vsoad.signal(SIGTERM);
  CHECK(vsoad.wait_exit().code == 0);
}

}  // namespace isolation_test
