// The life of the daemon: start, what it says about itself, signals, drain, end.
#include <doctest/doctest.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>

#include "daemon_runner.hpp"
#include "peer.hpp"
#include "wait.hpp"

namespace life_test {

using namespace vsoa_test;

runner_options with(std::vector<std::string> arguments) {
  return {.arguments = std::move(arguments), .environment = {}, .await_ready = false};
}

TEST_CASE("--version and --help print and exit 0, whatever the configuration") {
  daemon_runner version{"nonsense", with({"--version"})};
  CHECK(version.wait_exit().code == 0);
  CHECK(version.output().find("vsoad") != std::string::npos);
  for (const char* library : {"Boost", "simdjson", "yaml-cpp", "spdlog"})
    CHECK(version.output().find(library) != std::string::npos);
  daemon_runner help{"nonsense", with({"--help"})};
  CHECK(help.wait_exit().code == 0);
  for (const char* option : {"--config", "--check", "--print-config", "--log-level", "--version"})
    CHECK(help.output().find(option) != std::string::npos);
}

TEST_CASE("--check says what is wrong and where, and starts nothing") {
  daemon_runner good{one_service(), with({"--check"})};
  CHECK(good.wait_exit().code == 0);
  CHECK(good.lines_with("listening").empty());

  daemon_runner bad{one_service("    limits: { clientz: 5 }\n    keepalive: soon\n"),
                    with({"--check"})};
  CHECK(bad.wait_exit().code == 1);
  CHECK(bad.output().find("vsoad.yaml:9") != std::string::npos);
  CHECK(bad.output().find("services[0].limits.clientz") != std::string::npos);
  CHECK(bad.output().find("clients") != std::string::npos);
  CHECK(bad.output().find("vsoad.yaml:10") != std::string::npos);
  CHECK(bad.output().find("services[0].keepalive") != std::string::npos);
}

TEST_CASE("--print-config prints a configuration that passes --check, without the secrets") {
  const std::string config =
      one_service("    credentials: [ { role: user, password: hidden-word } ]\n");
  daemon_runner printed{config, with({"--print-config"})};
  CHECK(printed.wait_exit().code == 0);
  CHECK(printed.output().find("hidden-word") == std::string::npos);
  CHECK(printed.output().find("handshake_timeout: 5s") != std::string::npos);
  daemon_runner again{printed.output(), with({"--check"})};
  CHECK(again.wait_exit().code == 0);
}

TEST_CASE("a wrong configuration, option or file ends the start with 1") {
  daemon_runner wrong{"services: 7\n", with({})};
  CHECK(wrong.wait_exit().code == 1);
  daemon_runner option{one_service(), with({"--no-such-option"})};
  CHECK(option.wait_exit().code != 0);
  daemon_runner file{one_service(), with({"--config", "/nonexistent/vsoad.yaml"})};
  CHECK(file.wait_exit().code != 0);
}

TEST_CASE("READY is told when everything listens, STOPPING when the end begins") {
  daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  vsoad.signal(SIGTERM);
  CHECK(vsoad.wait_for_notification("STOPPING=1"));
  CHECK(vsoad.wait_exit().code == 0);
  CHECK(client.wait_end() != ending::none);
}

TEST_CASE("the end is a reckoning: a line for each service, each plugin and the position server") {
  daemon_runner vsoad{with_plugins(R"(position: { listen: "127.0.0.1:0" }
services:
  - { name: main, listen: "127.0.0.1:0", commands: { /echo: { plugin: echo } } }
)")};
  tcp_peer client{vsoad.service()};
  client.handshake();
  for (std::uint32_t seqno = 1; seqno <= 3; ++seqno)
    CHECK(client.ask(rpc(seqno, "/echo", "1")).status == status_success);
  udp_peer asker;
  for (const char* query : {R"({"name":"main"})", R"({"name":"nobody"})"}) {
    asker.send_to(vsoad.position(), query);
    CHECK(asker.receive());
  }
  vsoad.signal(SIGTERM);
  CHECK(vsoad.wait_exit().code == 0);
  const auto line = [&](std::string_view of) {
    const auto found = vsoad.lines_with(of);
    return found.size() == 1 ? found[0] : std::string{};
  };
  CHECK(line("service \"main\": accepted=1 ").find(" calls=3 ") != std::string::npos);
  CHECK(line("plugin echo: ").find(" calls_refused=0 ") != std::string::npos);
  CHECK(line("position: queries=2 ").find(" answered=1 unknown=1 ") != std::string::npos);
}

TEST_CASE("a plugin that keeps an event loop does not keep the daemon from ending") {
  const temporary_directory plugins;
  const auto probe = plugins.path() / "probe.so";
  std::filesystem::copy_file(VSOAD_TEST_PLUGINS "/probe.so", probe);
  std::filesystem::permissions(probe, std::filesystem::perms{0755});
  daemon_runner vsoad{"runtime: { threads: 1, shutdown_grace: 300ms }\nplugins: { directory: \"" +
                      plugins.path().string() + R"(" }
services:
  - { name: main, listen: "127.0.0.1:0", plugins: [ probe ] }
)"};
  tcp_peer client{vsoad.service()};
  client.handshake();
  client.send(rpc(1, "/sleep", "60000"));
  CHECK(vsoad.wait_for_line("has kept its event loop"));
  vsoad.signal(SIGTERM);
  CHECK(vsoad.wait_for_line("is kept by a plugin's callback"));
  CHECK(vsoad.wait_exit().code == 0);
}

TEST_CASE("systemd's watchdog is told all is well, until an event loop stands still") {
  const temporary_directory plugins;
  const auto probe = plugins.path() / "probe.so";
  std::filesystem::copy_file(VSOAD_TEST_PLUGINS "/probe.so", probe);
  std::filesystem::permissions(probe, std::filesystem::perms{0755});
  // Two loops: one that still comes round does not speak for the other.
  daemon_runner vsoad{"runtime: { threads: 2, shutdown_grace: 100ms }\nplugins: { directory: \"" +
                          plugins.path().string() + R"(" }
services:
  - { name: main, listen: "127.0.0.1:0", plugins: [ probe ] }
)",
                      {.arguments = {}, .environment = {{"WATCHDOG_USEC", "400000"}}}};
  const auto pings = [&] { return vsoad.notifications_with("WATCHDOG=1"); };
  CHECK(wait_until([&] { return pings() >= 3; }));
  tcp_peer client{vsoad.service()};
  client.handshake();
  client.send(rpc(1, "/sleep", "60000"));
  CHECK(vsoad.wait_for_line("watchdog: an event loop has not come round"));
  const std::size_t before = pings();
  // As long as systemd would wait before it acts.
  CHECK_FALSE(wait_until([&] { return pings() != before; }, milliseconds(500)));
}

TEST_CASE("a plugin whose stop() does not return does not keep the daemon from ending") {
  const temporary_directory plugins;
  const auto probe = plugins.path() / "probe.so";
  std::filesystem::copy_file(VSOAD_TEST_PLUGINS "/probe.so", probe);
  std::filesystem::permissions(probe, std::filesystem::perms{0755});
  daemon_runner vsoad{"plugins: { directory: \"" + plugins.path().string() +
                      R"(", settings: { probe: { config: hang } } }
services:
  - { name: main, listen: "127.0.0.1:0", plugins: [ probe ] }
)"};
  vsoad.signal(SIGTERM);
  CHECK(vsoad.wait_for_notification("STOPPING=1"));
  vsoad.signal(SIGTERM);
  CHECK(vsoad.wait_exit().code == 0);
  CHECK(vsoad.lines_with("its stop() does not return").size() == 1);
}

TEST_CASE("SIGINT ends it as SIGTERM does, and nobody listens afterwards") {
  daemon_runner vsoad{one_service()};
  vsoad.signal(SIGINT);
  CHECK(vsoad.wait_exit().code == 0);
  CHECK_THROWS(tcp_peer{vsoad.service()});
}

TEST_CASE("calls in flight are answered before the end") {
  // One thread works through the queue, so that calls are waiting when the signal comes.
  daemon_runner vsoad{with_plugins(R"(work_queues: { slow: { threads: 1, limit: 10000 } }
services:
  - name: main
    listen: "127.0.0.1:0"
    commands: { /echo: { plugin: echo, work_queue: slow } }
)")};
  tcp_peer client{vsoad.service()};
  client.handshake();
  constexpr std::uint32_t calls = 3000;
  std::string burst;
  for (std::uint32_t seqno = 1; seqno <= calls; ++seqno)
    burst += rpc(seqno, "/echo", "1", "data").bytes();
  client.send(burst);
  // The first answer shows that the server is at it; what it has read by then must be answered.
  std::uint32_t answers = 1;
  CHECK(client.read().seqno == 1);
  vsoad.signal(SIGTERM);
  while (client.try_read(patience))
    ++answers;
  CHECK(client.wait_end() != ending::none);
  CHECK(vsoad.wait_exit().code == 0);
  INFO("answered: " << answers);
  CHECK(answers > 1);
}

TEST_CASE("a client that does not read can't delay the end beyond shutdown_grace") {
  const std::string config = one_service("    limits: { send_timeout: 1m }\n");
  daemon_runner vsoad{"runtime: { threads: 1, shutdown_grace: 300ms }\n" +
                      config.substr(config.find("plugins:"))};
  tcp_peer client{vsoad.service(), {.local_ip = {}, .receive_buffer = 4096}};
  client.handshake();
  const std::string request = rpc(1, "/echo", "", std::string(100000, 'x')).bytes();
  for (int i = 0; i < 30; ++i)
    client.send_some(request);
  const auto begin = test_clock::now();
  vsoad.signal(SIGTERM);
  CHECK(vsoad.wait_exit().code == 0);
  CHECK(test_clock::now() - begin < milliseconds{sanitized ? 5000 : 2000});
}

TEST_CASE("an address in use is one clear error and exit 1") {
  const daemon_runner first{one_service()};
  const endpoint taken = first.service();
  const std::string address = "127.0.0.1:" + std::to_string(taken.port);
  std::string config = one_service();
  config.replace(config.find("127.0.0.1:0"), std::strlen("127.0.0.1:0"), address);
  daemon_runner second{config, with({"--log-level", "error"})};
  CHECK(second.wait_exit().code == 1);
  const auto lines = second.lines_with("");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find(address) != std::string::npos);
  CHECK(lines[0].find("in use") != std::string::npos);
  CHECK(lines[0].find("main") != std::string::npos);
}

TEST_CASE("a position address in use is an error, too") {
  udp_peer holder;
  daemon_runner vsoad{
      one_service() + "position: { listen: \"127.0.0.1:" + std::to_string(holder.port()) + "\" }\n",
      with({"--log-level", "error"})};
  CHECK(vsoad.wait_exit().code == 1);
  REQUIRE(vsoad.lines_with("").size() == 1);
  CHECK(vsoad.lines_with("in use").size() == 1);
}

TEST_CASE("started as root it serves as the user that it was given") {
  if (::geteuid() != 0) {
    MESSAGE("not root: nothing to see");
    return;
  }
  // The build may be where only root may go.
  const temporary_directory plugins;
  const auto copy = plugins.path() / "echo.so";
  std::filesystem::copy_file(plugin_directory() + "/echo.so", copy);
  std::filesystem::permissions(copy, std::filesystem::perms{0755});
  const daemon_runner vsoad{"runtime: { user: nobody }\nplugins: { directory: \"" +
                            plugins.path().string() + R"(" }
services:
  - { name: main, listen: "127.0.0.1:0", commands: { /echo: { plugin: echo } } }
)"};
  const passwd* nobody = ::getpwnam("nobody");
  REQUIRE(nobody != nullptr);
  const auto all = [](auto id) {
    const std::string text = std::to_string(id);
    return text + "\t" + text + "\t" + text + "\t" + text;
  };
  CHECK(vsoad.status_field("Uid") == all(nobody->pw_uid));
  CHECK(vsoad.status_field("Gid") == all(nobody->pw_gid));
  tcp_peer client{vsoad.service()};
  client.handshake();
  CHECK(client.ask(rpc(1, "/echo", "1")).param == "1");
}

TEST_CASE("a user that does not exist ends the start with 1") {
  if (::geteuid() != 0) return;
  const std::string config = one_service();
  daemon_runner vsoad{
      "runtime: { user: no-such-user-here }\n" + config.substr(config.find("plugins:")), with({})};
  CHECK(vsoad.wait_exit().code == 1);
  CHECK(vsoad.output().find("no-such-user-here") != std::string::npos);
}

TEST_CASE("log.format: json writes one object a line") {
  const std::string config = one_service();
  daemon_runner vsoad{"log: { level: debug, target: stderr, format: json }\n" + config,
                      {.arguments = {}, .environment = {}, .await_ready = false}};
  CHECK(vsoad.wait_for_notification("READY=1"));
  vsoad.signal(SIGTERM);
  CHECK(vsoad.wait_exit().code == 0);
  const auto lines = vsoad.lines_with("");
  CHECK(lines.size() >= 2);
  for (const auto& line : lines) {
    CHECK(line.starts_with("{\""));
    CHECK(line.ends_with("}"));
  }
}

}  // namespace life_test
