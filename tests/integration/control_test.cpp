// vsoactl's operator commands against a real vsoad: what they say to people and to programs, who
// may give them, and what a bad neighbour at the control socket does: nothing.
#include <doctest/doctest.h>
#include <signal.h>
#include <simdjson.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "daemon_runner.hpp"
#include "peer.hpp"
#include "program.hpp"

namespace control_test {

using namespace vsoa_test;

program_result ctl(const std::string& socket, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {VSOACTL_PROGRAM, "--socket", socket});
  return run_program(arguments);
}

program_result ctl(const daemon_runner& vsoad, std::vector<std::string> arguments) {
  return ctl(vsoad.control_socket(), std::move(arguments));
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

void check_says(const program_result& result, const std::vector<std::string>& parts) {
  CAPTURE(result.out);
  CAPTURE(result.err);
  CHECK(result.code == 0);
  CHECK(result.err.empty());
  for (const auto& part : parts) {
    CAPTURE(part);
    CHECK(contains(result.out, part));
  }
}

void check_fails(const program_result& result, int code, const std::string& part) {
  CAPTURE(result.out);
  CAPTURE(result.err);
  CHECK(result.code == code);
  CHECK(contains(result.err, part));
}

// A member of the one line that --json prints; as JSON text.
std::string member(const program_result& result, const std::string& pointer) {
  CAPTURE(result.out);
  CAPTURE(result.err);
  CHECK(std::count(result.out.begin(), result.out.end(), '\n') == 1);
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  CAPTURE(pointer);
  REQUIRE(parser.parse(result.out).at_pointer(pointer).get(element) == simdjson::SUCCESS);
  return simdjson::to_string(element);
}

std::string json(const daemon_runner& vsoad, std::vector<std::string> arguments,
                 const std::string& pointer) {
  arguments.push_back("--json");
  return member(ctl(vsoad, std::move(arguments)), pointer);
}

std::string unquoted(const std::string& text) {
  return text.substr(1, text.size() - 2);
}

class raw_program {
 public:
  explicit raw_program(const daemon_runner& vsoad) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = vsoad.control_socket();
    std::memcpy(address.sun_path, path.data(), path.size());
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~raw_program() { ::close(fd_); }
  raw_program(const raw_program&) = delete;
  raw_program& operator=(const raw_program&) = delete;

  // As much as goes without waiting.
  void flood(const std::string& bytes) const {
    while (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
    }
  }

 private:
  int fd_;
};

const std::string with_topics = one_service(R"(    topics:
      /speed: { relay: true, retain: last }
      /live/: { relay: true, max_rate: 50 }
    credentials: [ { role: operator, password: secret } ]
    priority: [ { role: operator, level: 5 } ]
)");

TEST_CASE("status") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  CHECK(client.ask(rpc(1, "/echo", "1")).status == status_success);
  check_says(ctl(vsoad, {"status"}),
             {"is running, process " + std::to_string(vsoad.pid()), "vsoad.yaml",
              "none since the start", "clients        1\n", "calls          1\n"});
  CHECK(json(vsoad, {"status"}, "/pid") == std::to_string(vsoad.pid()));
  CHECK(json(vsoad, {"status"}, "/ok") == "true");
  CHECK(json(vsoad, {"status"}, "/protocol") == "1");
  CHECK(json(vsoad, {"status"}, "/clients") == "1");
  CHECK(json(vsoad, {"status"}, "/last_reload") == "null");
  CHECK(json(vsoad, {"status"}, "/log_level") == "\"info\"");
}

TEST_CASE("services, and what they forward to") {
  const daemon_runner upstream{one_service()};
  const daemon_runner vsoad{with_plugins(R"(position: { listen: "127.0.0.1:0" }
services:
  - name: gate
    listen: "127.0.0.1:0"
    commands:
      /far/: { forward: "vsoa://127.0.0.1:)" +
                                         std::to_string(upstream.service().port) +
                                         R"(", strip_prefix: true }
)")};
  tcp_peer client{vsoad.service("gate")};
  client.handshake();
  REQUIRE(wait_until(
      [&] { return json(vsoad, {"services"}, "/services/0/upstreams/0/connected") == "2"; }));
  CHECK(client.ask(rpc(1, "/far/echo", "1")).status == status_success);
  check_says(ctl(vsoad, {"services"}),
             {"gate", "127.0.0.1:" + std::to_string(vsoad.service("gate").port),
              "vsoa://127.0.0.1:" + std::to_string(upstream.service().port), "2 of 2",
              "position server: 127.0.0.1:" + std::to_string(vsoad.position().port)});
  CHECK(json(vsoad, {"services"}, "/services/0/calls") == "1");
  CHECK(json(vsoad, {"services"}, "/services/0/tls") == "false");
  CHECK(json(vsoad, {"services"}, "/services/0/upstreams/0/calls") == "1");
}

TEST_CASE("clients are listed, and one is disconnected") {
  const daemon_runner vsoad{with_topics};
  CHECK(ctl(vsoad, {"clients"}).out == "no clients\n");
  tcp_peer first{vsoad.service()};
  first.handshake("secret");
  tcp_peer second{vsoad.service()};
  second.handshake("secret");
  CHECK(first.ask_for_reply(subscribe(1, "/live/")).status == status_success);
  REQUIRE(wait_until([&] { return json(vsoad, {"clients"}, "/total") == "2"; }));
  CHECK(json(vsoad, {"clients", "main"}, "/clients/0/role") == "\"operator\"");
  CHECK(json(vsoad, {"clients"}, "/clients/0/priority") == "5");
  CHECK(json(vsoad, {"clients"}, "/clients/0/subscriptions") == "1");
  CHECK(json(vsoad, {"clients"}, "/clients/1/subscriptions") == "0");
  CHECK(json(vsoad, {"clients"}, "/clients/0/authed") == "true");
  CHECK(json(vsoad, {"clients"}, "/clients/0/queued_bytes") == "0");
  CHECK(std::stoi(json(vsoad, {"clients"}, "/clients/0/received_bytes")) > 40);
  CHECK(std::stoi(json(vsoad, {"clients"}, "/clients/0/sent_bytes")) > 20);
  CHECK(std::stoi(json(vsoad, {"clients"}, "/clients/0/connected_seconds")) < 60);
  const std::string id = unquoted(json(vsoad, {"clients"}, "/clients/0/id"));
  CHECK(id.starts_with("main/"));
  check_says(ctl(vsoad, {"clients"}), {id, "127.0.0.1:", "operator", "SUBS"});
  check_says(ctl(vsoad, {"clients", "--limit", "1"}), {id, "and 1 more"});
  check_fails(ctl(vsoad, {"clients", "mian"}), 1, "did you mean \"main\"");

  check_says(ctl(vsoad, {"disconnect", id}), {id + " is disconnected"});
  CHECK(first.wait_end() != ending::none);
  CHECK(json(vsoad, {"clients"}, "/total") == "1");
  check_fails(ctl(vsoad, {"disconnect", id}), 1, "there is no client \"" + id + "\"");
  check_fails(ctl(vsoad, {"disconnect", "main/x"}), 1, "there is no client");
  check_fails(ctl(vsoad, {"disconnect", "none/1"}), 1, "there is no service \"none\"");
  check_fails(ctl(vsoad, {"disconnect", "17"}), 2, "write SERVICE/NUMBER");
  check_fails(ctl(vsoad, {"disconnect", "/5"}), 2, "write SERVICE/NUMBER");
  check_fails(ctl(vsoad, {"disconnect"}), 2, "which client?");
}

TEST_CASE("plugins: what runs, what does not and why, and what they count") {
  const temporary_directory plugins;
  std::filesystem::copy_file(VSOAD_TEST_PLUGINS "/probe.so", plugins.path() / "probe.so");
  std::filesystem::permissions(plugins.path() / "probe.so", std::filesystem::perms{0755});
  std::filesystem::permissions(plugins.write("broken.so", "no ELF"), std::filesystem::perms{0755});
  const daemon_runner vsoad{"plugins: { directory: \"" + plugins.path().string() + R"(" }
services:
  - { name: main, listen: "127.0.0.1:0", plugins: [ probe ] }
)"};
  check_says(ctl(vsoad, {"plugins"}),
             {"probe", "running", "broken", "failed", "broken.so", "broken: "});
  CHECK(json(vsoad, {"plugins"}, "/plugins/0/file") ==
        '"' + (plugins.path() / "broken.so").string() + '"');
  CHECK(json(vsoad, {"plugins"}, "/plugins/0/state") == "\"failed\"");
  const std::string all = ctl(vsoad, {"plugins", "--json"}).out;
  CHECK(contains(all, R"("name":"probe")"));
  CHECK(contains(all, R"("state":"running")"));
  CHECK(json(vsoad, {"status"}, "/failures/0/file") ==
        '"' + (plugins.path() / "broken.so").string() + '"');
  check_says(ctl(vsoad, {"status"}), {"not served: ", "broken.so"});
  check_fails(ctl(vsoad, {"plugin", "restart", "prob"}), 1, "did you mean \"probe\"");
  check_fails(ctl(vsoad, {"plugin", "stop", "probe"}), 2, "restart NAME");
}

TEST_CASE("an isolated plugin's process is shown, and that it has been started again") {
  const daemon_runner vsoad{"plugins: { directory: \"" + plugin_directory() +
                            R"(", settings: { echo: { isolation: process } } }
services:
  - { name: main, listen: "127.0.0.1:0", commands: { /echo: { plugin: echo } } }
)"};
  // Of the one among those that lie there.
  const auto echo = [&](const std::string& name) {
    simdjson::dom::parser parser;
    const auto answer = ctl(vsoad, {"plugins", "--json"});
    simdjson::dom::array all;
    REQUIRE(parser.parse(answer.out)["plugins"].get(all) == simdjson::SUCCESS);
    for (const simdjson::dom::element each : all) {
      std::string_view found;
      if (each["name"].get(found) == simdjson::SUCCESS && found == "echo") {
        simdjson::dom::element value;
        CAPTURE(answer.out);
        REQUIRE(each.at_pointer(name).get(value) == simdjson::SUCCESS);
        return std::string(simdjson::to_string(value));
      }
    }
    return std::string();
  };
  CHECK(echo("/isolation") == "\"process\"");
  CHECK(echo("/state") == "\"running\"");
  const std::string pid = echo("/process/pid");
  check_says(ctl(vsoad, {"plugins"}), {"echo: process " + pid, "started again 0 times"});
  REQUIRE(std::stoi(pid) > 1);
  ::kill(std::stoi(pid), SIGKILL);
  CHECK(wait_until(
      [&] { return echo("/process/restarts") == "1" && echo("/state") == "\"running\""; }));
  CHECK(echo("/process/pid") != pid);
  check_says(ctl(vsoad, {"plugins"}), {"started again 1 times; ended last: "});
}

TEST_CASE("a plugin that needs settings and has none is not configured") {
  const daemon_runner vsoad{
      with_plugins("services: [ { name: main, listen: \"127.0.0.1:0\", plugins: all } ]\n")};
  CHECK(contains(ctl(vsoad, {"plugins"}).out, "not configured"));
}

TEST_CASE("topics: rules, subscribers and retained values") {
  const daemon_runner vsoad{with_topics};
  tcp_peer first{vsoad.service()};
  first.handshake("secret");
  tcp_peer second{vsoad.service()};
  second.handshake("secret");
  for (tcp_peer* each : {&first, &second})
    CHECK(each->ask_for_reply(subscribe(1, "/live/")).status == status_success);
  CHECK(first.ask_for_reply(subscribe(2, "/speed")).status == status_success);
  first.send(datagram("/speed", "88"));
  REQUIRE(wait_until([&] { return json(vsoad, {"topics"}, "/topics/0/retained_total") == "1"; }));
  check_says(ctl(vsoad, {"topics", "main"}),
             {"service main: 1 relayed", "/speed", "50/s", "RETAINED"});
  CHECK(json(vsoad, {"topics"}, "/topics/0/subscribed/0/url") == "\"/live/\"");
  CHECK(json(vsoad, {"topics"}, "/topics/0/subscribed/0/subscribers") == "2");
  CHECK(json(vsoad, {"topics"}, "/topics/0/subscribed/1/subscribers") == "1");
  CHECK(json(vsoad, {"topics"}, "/topics/0/retained/0/url") == "\"/speed\"");
  CHECK(json(vsoad, {"topics"}, "/topics/0/retained/0/bytes") == "2");
  const auto limited = ctl(vsoad, {"topics", "--limit", "1", "--json"});
  CHECK(!contains(limited.out, R"("url":"/speed","subscribers")"));
  check_fails(ctl(vsoad, {"topics", "none"}), 1, "there is no service");
}

TEST_CASE("log changes what is logged, at once") {
  const daemon_runner vsoad{one_service()};
  check_says(ctl(vsoad, {"log", "error"}), {"log level error, was info"});
  CHECK(vsoad.wait_for_line("log level: error, was info"));
  CHECK(json(vsoad, {"status"}, "/log_level") == "\"error\"");
  CHECK(json(vsoad, {"log", "trace"}, "/before") == "\"error\"");
  CHECK(vsoad.wait_for_line("log level: trace, was error"));
  check_fails(ctl(vsoad, {"log", "inof"}), 2, "did you mean \"info\"");
  check_fails(ctl(vsoad, {"log"}), 2, "LEVEL");
}

TEST_CASE("a configuration that is wrong is not reloaded, and the errors are those of --check") {
  const daemon_runner vsoad{one_service()};
  vsoad.directory().write("vsoad.yaml", "services: 7\nlgo: {}\n");
  daemon_runner check{"services: 7\nlgo: {}\n",
                      {.arguments = {"--check"}, .environment = {}, .await_ready = false}};
  CHECK(check.wait_exit().code == 1);
  auto expected = check.lines_with("vsoad.yaml");
  CHECK(expected.size() == 2);
  for (const char* plan : {"", "--plan"}) {
    std::vector<std::string> arguments{"reload"};
    if (*plan != '\0') arguments.emplace_back(plan);
    const auto result = ctl(vsoad, arguments);
    check_fails(result, 1, "stays in force");
    for (const std::string& line : expected) {
      const std::string message = line.substr(line.find("vsoad.yaml"));
      CAPTURE(message);
      CHECK(contains(result.err, message));
    }
  }
  const auto result = ctl(vsoad, {"reload", "--json"});
  CHECK(result.code == 1);
  CHECK(member(result, "/ok") == "false");
  CHECK(member(result, "/error/code") == "\"failed\"");
  CHECK(contains(member(result, "/error/problems/0"), "services"));
  check_says(ctl(vsoad, {"status"}), {"failed: 2 problems"});
  CHECK(json(vsoad, {"status"}, "/last_reload/ok") == "false");
}

TEST_CASE("a reload is in force when vsoactl returns; a plan changes nothing") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  const std::string wanted =
      "log: { format: json }\n" +
      one_service("    keepalive: 30s\n    topics: { /speed: { relay: true } }\n");
  check_says(ctl(vsoad, {"reload"}), {"nothing has changed"});
  vsoad.directory().write("vsoad.yaml", wanted);
  const auto plan = ctl(vsoad, {"reload", "--plan"});
  CHECK(plan.code == 0);
  CHECK(contains(plan.out, "keepalive"));
  CHECK(contains(plan.err, "takes a restart: log.format"));
  CHECK(json(vsoad, {"topics"}, "/topics/0/rules") == "[]");
  const auto done = ctl(vsoad, {"reload", "--json"});
  CHECK(done.code == 0);
  CHECK(member(done, "/plan") == "false");
  CHECK(contains(member(done, "/needs_restart/0"), "log.format"));
  CHECK(json(vsoad, {"topics"}, "/topics/0/rules/0/url") == "\"/speed\"");
  CHECK(json(vsoad, {"status"}, "/last_reload/ok") == "true");
  check_says(ctl(vsoad, {"status"}), {", done"});
  CHECK(client.ask(rpc(1, "/echo", "1")).status == status_success);
}

TEST_CASE("a plugin is restarted") {
  const daemon_runner vsoad{one_service()};
  check_says(ctl(vsoad, {"plugin", "restart", "echo"}), {"plugin echo is restarted"});
  tcp_peer client{vsoad.service()};
  client.handshake();
  CHECK(client.ask(rpc(1, "/echo", "1")).status == status_success);
  check_fails(ctl(vsoad, {"plugin", "restart", "files"}), 1, "plugin restart: ");
}

TEST_CASE("where there is no vsoad, or no answer, that is said") {
  const temporary_directory directory;
  const std::string none = directory.path() / "none.sock";
  check_fails(ctl(none, {"status"}), 3, "vsoad is not running");
  check_fails(ctl(directory.write("file", ""), {"status"}), 3, "nobody listens");
  check_fails(ctl(std::string(200, 'x'), {"status"}), 2, "too long");
  check_fails(run_program({VSOACTL_PROGRAM, "status"}, {}, {{"VSOAD_CONTROL", none}}), 3, none);
  std::string gone;
  {
    daemon_runner vsoad{one_service()};
    gone = vsoad.control_socket();
    struct stat info {};
    CHECK(::stat(gone.c_str(), &info) == 0);
    CHECK((info.st_mode & 0007U) == 0);
    ::kill(vsoad.pid(), SIGSTOP);
    check_fails(ctl(gone, {"status", "--timeout", "100ms"}), 4, "does not answer");
    ::kill(vsoad.pid(), SIGCONT);
    check_says(ctl(gone, {"status"}), {"running"});
    vsoad.signal(SIGTERM);
    CHECK(vsoad.wait_exit().code == 0);
    CHECK(!std::filesystem::exists(gone));
  }
}

TEST_CASE("the socket of a vsoad that was killed is replaced; that of a living one is not") {
  const temporary_directory directory;
  const std::string socket = directory.path() / "own.sock";
  const std::string config = "control: { socket: \"" + socket + "\" }\n" + one_service();
  daemon_runner first{config};
  daemon_runner rival{config, {.arguments = {}, .environment = {}, .await_ready = false}};
  CHECK(rival.wait_exit().code == 1);
  CHECK(contains(rival.output(), "another program answers there"));
  check_says(ctl(socket, {"status"}), {std::to_string(first.pid())});
  first.signal(SIGKILL);
  CHECK(first.wait_exit().signal == SIGKILL);
  check_fails(ctl(socket, {"status"}), 3, "not running any more");
  const daemon_runner second{config};
  check_says(ctl(socket, {"status"}), {std::to_string(second.pid())});
}

TEST_CASE("no socket: because it is not wanted, or can't be had") {
  const temporary_directory directory;
  const std::string file = directory.write("file", "precious");
  const daemon_runner off{"control: { socket: none }\n" + one_service()};
  CHECK(!std::filesystem::exists(off.control_socket()));
  // Where nobody has asked for it, it is no reason not to serve.
  const daemon_runner unlucky{
      one_service(),
      {.arguments = {}, .environment = {{"RUNTIME_DIRECTORY", file}}, .await_ready = true}};
  CHECK(unlucky.lines_with("vsoactl can't reach this vsoad").size() == 1);
  daemon_runner wrong{"control: { socket: \"" + file + "\" }\n" + one_service(),
                      {.arguments = {}, .environment = {}, .await_ready = false}};
  CHECK(wrong.wait_exit().code == 1);
  CHECK(contains(wrong.output(), "something else than a socket"));
  daemon_runner group{"control: { group: no-such-group }\n" + one_service(),
                      {.arguments = {}, .environment = {}, .await_ready = false}};
  CHECK(group.wait_exit().code == 1);
  CHECK(contains(group.output(), "no group \"no-such-group\""));
}

TEST_CASE("what --check warns of, a reload does, too") {
  const daemon_runner vsoad{one_service()};
  vsoad.directory().write("vsoad.yaml", "");
  for (const auto& how : std::vector<std::vector<std::string>>{{"reload", "--plan"}, {"reload"}}) {
    const auto said = ctl(vsoad, how);
    CHECK(said.code == 0);
    CHECK(contains(said.out, "services[main]: removed"));
    CHECK(contains(said.err, "warning: neither services nor position.listen"));
  }
}

TEST_CASE("whoever reloads is told why a plugin does not start, and which there is none of") {
  const daemon_runner vsoad{one_service()};
  const temporary_directory plugins;
  for (const char* name : {"echo.so", "files.so"})
    std::filesystem::copy_file(plugin_directory() + "/" + name, plugins.path() / name);
  std::filesystem::copy_file(plugin_directory() + "/echo.so", plugins.path() / "Echo.so");
  vsoad.directory().write("vsoad.yaml",
                          with_plugins("plugins: { directory: " + plugins.path().native() +
                                       ",\n"
                                       "  settings: { files: { config: { rooot: /nowhere } } } }\n"
                                       "services: [ { name: main, listen: \"127.0.0.1:0\", "
                                       "plugins: [ echo, files, camra ] } ]\n"));
  const auto said = ctl(vsoad, {"reload"});
  CHECK(said.code == 0);
  CHECK(contains(said.err, "unknown setting \"rooot\""));
  CHECK(contains(said.err, "camra"));
  check_says(ctl(vsoad, {"plugins"}), {"unknown setting \"rooot\""});
  check_says(ctl(vsoad, {"status"}), {"unknown setting \"rooot\"", "Echo.so: its name is not one"});
}

TEST_CASE("others may not, unless they are of the group") {
  if (::geteuid() != 0) return;  // who is nobody else can't try
  constexpr const char* setpriv = "/usr/bin/setpriv";
  REQUIRE(std::filesystem::exists(setpriv));
  const temporary_directory directory;
  const std::string program = directory.path() / "vsoactl";
  std::filesystem::copy_file(VSOACTL_PROGRAM, program);
  std::filesystem::permissions(program, std::filesystem::perms{0755});
  const daemon_runner vsoad{"control: { group: \"4711\" }\n" + one_service()};
  const auto as = [&](const std::string& user, const std::string& group,
                      const std::vector<std::string>& supplementary = {}) {
    std::vector<std::string> command{setpriv, "--reuid", user, "--regid", group};
    if (supplementary.empty()) {
      command.emplace_back("--clear-groups");
    } else {
      command.insert(command.end(), {"--groups", supplementary.front()});
    }
    command.insert(command.end(), {program, "--socket", vsoad.control_socket(), "status"});
    return run_program(command);
  };
  check_fails(as("4712", "4712"), 5, "members of the group \"4711\"");
  check_says(as("4712", "4711"), {"is running"});
  check_says(as("4712", "4712", {"4711"}), {"is running"});
  // The mode of the file is not all that keeps others away.
  REQUIRE(::chmod(vsoad.control_socket().c_str(), 0666) == 0);
  check_fails(as("4712", "4712"), 5, "user 4712 may not: root and the user of vsoad");
  CHECK(vsoad.wait_for_line("control socket: refused: user 4712"));
  // However often it comes, the log says so once in ten seconds.
  for (int i = 0; i < 3; ++i)
    check_fails(as("4712", "4712"), 5, "user 4712 may not");
  check_says(as("4712", "4711"), {"is running"});
  CHECK(vsoad.lines_with("control socket: refused").size() == 1);
}

TEST_CASE("who sends garbage, or does not read, is nobody's trouble") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  const raw_program stalled(vsoad);
  stalled.flood("{\"command\":\"status\"}\n");
  const raw_program garbage(vsoad);
  garbage.flood(std::string(4096, '\0'));
  const raw_program silent(vsoad);
  for (std::uint32_t seqno = 1; seqno <= 3; ++seqno) {
    check_says(ctl(vsoad, {"status"}), {"is running"});
    CHECK(client.ask(rpc(seqno, "/echo", "1")).status == status_success);
  }
}

TEST_CASE("options may stand before the command") {
  const daemon_runner vsoad{one_service()};
  const std::string url = "127.0.0.1:" + std::to_string(vsoad.service().port) + "/echo";
  CHECK(member(run_program({VSOACTL_PROGRAM, "--json", "call", url, "7"}), "/param") == "7");
  check_fails(run_program({VSOACTL_PROGRAM, "--json"}), 2, "which command?");
  check_fails(run_program({VSOACTL_PROGRAM, "--jsn", "call"}), 2, "did you mean \"--json\"");
}

}  // namespace control_test
