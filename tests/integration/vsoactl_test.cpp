// vsoactl against a real vsoad: what it prints, for people and for programs, and how it ends.
#include <doctest/doctest.h>
#include <simdjson.h>

#include <csignal>
#include <filesystem>

#include "certificates.hpp"
#include "daemon_runner.hpp"
#include "file.hpp"
#include "program.hpp"

namespace vsoactl_test {

using namespace vsoa_test;

program_result ctl(std::vector<std::string> arguments, const std::string& input = {},
                   const std::map<std::string, std::string>& environment = {}) {
  arguments.insert(arguments.begin(), VSOACTL_PROGRAM);
  return run_program(arguments, input, environment);
}

std::string url(const endpoint& server, const std::string& path = {}) {
  return "vsoa://" + server.ip + ":" + std::to_string(server.port) + path;
}

// A member of the one JSON object that is printed; as JSON text.
std::string member(const program_result& result, const char* pointer) {
  CAPTURE(result.out);
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  REQUIRE(parser.parse(result.out).at_pointer(pointer).get(element) == simdjson::SUCCESS);
  return simdjson::to_string(element);
}

void check_fails(const program_result& result, int code, const std::string& part) {
  CAPTURE(result.out);
  CAPTURE(result.err);
  CHECK(result.code == code);
  CHECK(result.err.starts_with("vsoactl: "));
  CHECK(result.err.find(part) != std::string::npos);
}

const std::string relay = R"(    topics:
      /speed: { relay: true, retain: last }
      /live/: { relay: true }
)";

TEST_CASE("call prints the param, and says of data how much there is") {
  const daemon_runner vsoad{one_service()};
  const std::string echo = url(vsoad.service(), "/echo");
  program_result r = ctl({"call", echo, R"({"a": [1, 2]})"});
  CHECK(r.code == 0);
  CHECK(r.out == "{\"a\": [1, 2]}\n");
  CHECK(r.err.empty());
  CHECK(ctl({"call", echo}).out.empty());
  CHECK(ctl({"call", echo, "-"}, "\"from stdin\"").out == "\"from stdin\"\n");
  CHECK(ctl({"call", echo, "7", "--data", "-"}, "abc").out == "7 <3 bytes of data>\n");
  CHECK(ctl({"call", echo, "--set", "--", "-5"}).out == "-5\n");
  // The scheme may be missing, and nobody's terminal is played with.
  const std::string bare = echo.substr(std::string("vsoa://").size());
  CHECK(ctl({"call", bare, "\x1b[31mred"}).out == "\\x1b[31mred\n");
}

TEST_CASE("call writes data where it is told to") {
  const daemon_runner vsoad{one_service()};
  const std::string echo = url(vsoad.service(), "/echo");
  std::string bytes;
  for (int i = 0; i < 1000; ++i)
    bytes += static_cast<char>(i);
  CHECK(ctl({"call", echo, "--data", "-", "--output", "-"}, bytes).out == bytes);
  const temporary_directory directory;
  const auto file = directory.write("in", bytes);
  const std::string to = directory.path() / "out";
  CHECK(ctl({"call", echo, "1", "--data", file, "--output", to}).out == "1\n");
  const auto back = ctl({"call", echo, "--data", to, "--output", "-"});
  CHECK(back.out == bytes);
  check_fails(ctl({"call", echo, "--data", directory.path() / "none"}), 1, "can't read");
  check_fails(ctl({"call", echo, "--data", file, "--output", directory.path() / "no/such"}), 1,
              "can't write");
}

TEST_CASE("call for programs") {
  const daemon_runner vsoad{one_service()};
  const std::string echo = url(vsoad.service(), "/echo");
  program_result r = ctl({"call", echo, "{\"a\":\n [1]}", "--data", "-", "--json"}, "hi");
  CHECK(r.code == 0);
  CHECK(std::count(r.out.begin(), r.out.end(), '\n') == 1);
  CHECK(member(r, "/status") == "0");
  CHECK(member(r, "/param/a/0") == "1");
  CHECK(member(r, "/data") == "\"aGk=\"");
  r = ctl({"call", echo, "--json"});
  CHECK(member(r, "/param") == "null");
  CHECK(member(r, "/data") == "null");
  r = ctl({"call", echo, "no \"json\"\xff", "--json"});
  CHECK(member(r, "/param") == R"("no \"json\"\\xff")");
  r = ctl({"call", url(vsoad.service(), "/none"), "--json"});
  CHECK(r.code == 1);
  CHECK(member(r, "/status") == "3");
  CHECK(member(r, "/status_text") == "\"INVALID_URL\"");
}

TEST_CASE("what can go wrong has a code and a reason") {
  const daemon_runner vsoad{one_service()};
  const std::string server = url(vsoad.service());
  check_fails(ctl({"call", server + "/none"}), 1, "3 (INVALID_URL)");
  check_fails(ctl({"call"}), 2, "URL is missing");
  check_fails(ctl({"call", "vsoa://127.0.0.1/echo"}), 2, "needs its port");
  check_fails(ctl({"call", server, "{\"a\":", "1}"}), 2, "too many arguments");
  check_fails(ctl({"call", server, "--timeuot", "1s"}), 2, "--timeout");
  check_fails(ctl({"call", server, "--timeout", "fast"}), 2, "write a duration");
  check_fails(ctl({"call", server, "--timeout"}), 2, "needs an argument");
  check_fails(ctl({"cal", server}), 2, "did you mean \"call\"");
  check_fails(ctl({"--jsn"}), 2, "unknown option");
  check_fails(ctl({"ping", server, "--count", "none"}), 2, "--count");
  check_fails(ctl({"call", server, "-", "--data", "-"}), 2, "one thing only");
  CHECK(ctl({}).code == 2);
}

TEST_CASE("where nobody listens there is no connection") {
  std::string gone;
  {
    const daemon_runner vsoad{one_service()};
    gone = url(vsoad.service());
  }
  for (const std::string command : {"call", "ping", "sub", "datagram", "bench"}) {
    check_fails(ctl({command, gone, "--timeout", "3s"}), 3, gone);
    check_fails(ctl({command, gone, "--timeout", "3s"}), 3, "Connection refused");
  }
}

TEST_CASE("a password comes from a file, and a wrong one is told apart") {
  const daemon_runner vsoad{
      one_service("    credentials: [ { role: operator, password: s3cret } ]\n")};
  const std::string echo = url(vsoad.service(), "/echo");
  const temporary_directory directory;
  const std::string good = directory.write("good", "s3cret\n");
  const std::string bad = directory.write("bad", "secret");
  const std::string empty = directory.write("empty", "\n");
  CHECK(ctl({"call", echo, "1", "--password-file", good}).out == "1\n");
  CHECK(ctl({"call", echo, "1", "--password-file", "-"}, "s3cret\n").out == "1\n");
  const program_result wrong = ctl({"call", echo, "1", "--password-file", bad});
  check_fails(wrong, 5, "password");
  CHECK(wrong.err.find("secret") == std::string::npos);
  check_fails(ctl({"call", echo, "1"}), 5, "password");
  check_fails(ctl({"call", echo, "--password-file", empty}), 2, "is empty");
}

TEST_CASE("ping counts, times and adds up") {
  const daemon_runner vsoad{one_service()};
  const std::string server = url(vsoad.service());
  const program_result r = ctl({"ping", server, "--count", "3", "--interval", "1ms"});
  CHECK(r.code == 0);
  CHECK(std::count(r.out.begin(), r.out.end(), '\n') == 4);
  CHECK(r.out.find("3 of 3 answered; least ") != std::string::npos);
  const program_result json = ctl({"ping", server, "--count", "1", "--json"});
  CHECK(member(json, "/ping") == "1");
  CHECK(std::stol(member(json, "/us")) >= 0);
}

TEST_CASE("publish and sub: a value that is kept, and values as they come") {
  const daemon_runner vsoad{one_service(relay)};
  const std::string server = url(vsoad.service());
  CHECK(ctl({"publish", server + "/speed", "88"}).code == 0);
  const program_result kept = ctl({"sub", server + "/speed", "--count", "1", "--json"});
  CHECK(kept.code == 0);
  CHECK(member(kept, "/url") == "\"/speed\"");
  CHECK(member(kept, "/param") == "88");
  CHECK(member(kept, "/quick") == "false");

  for (const bool retry : {false, true}) {
    std::vector<std::string> arguments{VSOACTL_PROGRAM,     "sub",     server + "/live/a",
                                       server + "/live/b/", "--count", "2"};
    if (retry) arguments.emplace_back("--retry");
    program listening(arguments);
    // Nobody tells when it has subscribed: until it has heard enough, all is sent again.
    CHECK(wait_until([&] {
      CHECK(ctl({"datagram", server + "/live/b/c", R"({"x":1})"}).code == 0);
      return listening.ended();
    }));
    const program_result heard = listening.wait();
    CHECK(heard.code == 0);
    CHECK(heard.out == "/live/b/c {\"x\":1}\n/live/b/c {\"x\":1}\n");
  }
}

TEST_CASE("a datagram may go the quick way, and what is too large is not sent") {
  const daemon_runner vsoad{one_service(relay)};
  const std::string server = url(vsoad.service());
  program listening({VSOACTL_PROGRAM, "sub", server + "/live/", "--count", "1", "--json"});
  CHECK(wait_until([&] {
    const program_result r =
        ctl({"datagram", server + "/live/q", "--data", "-", "--quick", "--json"}, "abc");
    CHECK(r.code == 0);
    CHECK(member(r, "/sent") == "true");
    return listening.ended();
  }));
  CHECK(member(listening.wait(), "/data") == "\"YWJj\"");
  check_fails(ctl({"datagram", server + "/live/q", "--data", "-"}, std::string(300000, 'x')), 2,
              "too large");
}

TEST_CASE("sub ends with Ctrl-C, and with the server") {
  daemon_runner vsoad{one_service(relay)};
  const std::string server = url(vsoad.service());
  CHECK(ctl({"publish", server + "/speed", "1"}).code == 0);
  // The kept value shows that it has subscribed.
  const auto listens = [](program& p) { return wait_until([&] { return !p.said().empty(); }); };
  program first({VSOACTL_PROGRAM, "sub", server + "/speed"});
  REQUIRE(listens(first));
  first.signal(SIGINT);
  CHECK(first.wait().code == 0);
  program second({VSOACTL_PROGRAM, "sub", server + "/speed"});
  REQUIRE(listens(second));
  vsoad.signal(SIGKILL);
  check_fails(second.wait(), 4, server);
}

TEST_CASE("lookup, and calling by name") {
  const daemon_runner vsoad{one_service() + "position: { listen: \"127.0.0.1:0\" }\n"};
  const endpoint position = vsoad.position();
  const std::string at = position.ip + ":" + std::to_string(position.port);
  const std::string service = vsoad.service().ip + ":" + std::to_string(vsoad.service().port);
  const std::map<std::string, std::string> known{{"VSOA_POS_SERVER", at}};
  CHECK(ctl({"lookup", "main"}, {}, known).out == service + "\n");
  CHECK(ctl({"lookup", "main", "--position", at}).out == service + "\n");
  const program_result json = ctl({"lookup", "main", "--json", "--ipv4"}, {}, known);
  CHECK(member(json, "/address") == "\"127.0.0.1\"");
  CHECK(member(json, "/port") == std::to_string(vsoad.service().port));
  CHECK(member(json, "/secure") == "false");
  check_fails(ctl({"lookup", "nobody"}, {}, known), 3, "\"nobody\"");
  check_fails(ctl({"lookup", "main", "--ipv6"}, {}, known), 3, "\"main\"");
  check_fails(ctl({"lookup"}), 2, "one name");
  CHECK(ctl({"call", "main/echo", "5"}, {}, known).out == "5\n");
  CHECK(ctl({"call", "vsoa://main/echo", "6", "--position", at}).out == "6\n");
  check_fails(ctl({"call", "nobody/echo"}, {}, known), 3, "nobody");
}

TEST_CASE("bench measures, and says when calls are refused") {
  const daemon_runner vsoad{one_service()};
  const std::string server = url(vsoad.service());
  const program_result r = ctl({"bench", server + "/echo", "1", "--duration", "500ms", "--clients",
                                "2", "--depth", "4", "--json"});
  CHECK(r.code == 0);
  CHECK(std::stol(member(r, "/calls")) > 8);
  CHECK(std::stod(member(r, "/per_second")) > 0);
  CHECK(std::stod(member(r, "/us/p50")) <= std::stod(member(r, "/us/max")));
  const program_result text = ctl({"bench", server + "/echo", "--duration", "500ms"});
  CHECK(text.out.find("calls/s; half within ") != std::string::npos);
  check_fails(ctl({"bench", server + "/none", "--duration", "500ms"}), 1, "answered with an error");
}

TEST_CASE("stream: files go up and come down again, unchanged") {
  const temporary_directory directory;
  std::filesystem::create_directory(directory.path() / "root");
  const daemon_runner vsoad{with_plugins(
      "plugins:\n  directory: \"" + plugin_directory() +
      "\"\n  settings: { files: { config: { root: \"" + (directory.path() / "root").string() +
      "\", writable: true } } }\n"
      "services: [ { name: main, listen: \"127.0.0.1:0\", plugins: all } ]\n")};
  const std::string server = url(vsoad.service());
  std::string bytes;
  for (int i = 0; bytes.size() < 3'000'000; ++i)
    bytes += std::to_string(i * 7919LL);
  const std::string from = directory.write("from", bytes);
  const program_result put =
      ctl({"stream", "put", server + "/files/upload", "--path", "up.bin", "--data", from});
  CAPTURE(put.err);
  CHECK(put.code == 0);
  CHECK(put.out.find("\"sha256\":") != std::string::npos);
  const std::string to = directory.path() / "to";
  const program_result get = ctl(
      {"stream", "get", server + "/files/download", "--path", "up.bin", "--output", to, "--json"});
  CHECK(get.code == 0);
  CHECK(member(get, "/bytes") == std::to_string(bytes.size()));
  CHECK(read_file(to) == bytes);
  CHECK(ctl({"stream", "get", server + "/files/download", R"({"path":"up.bin","length":9})"}).out ==
        bytes.substr(0, 9));
  CHECK(ctl({"stream", "get", server + "/files/download", "-"}, R"({"path":"up.bin","length":9})")
            .out == bytes.substr(0, 9));
  check_fails(ctl({"stream", "put", server + "/files/upload", "-", "--data", "-"}), 2,
              "one thing only");
  const program_result none =
      ctl({"stream", "get", server + "/files/download", "--path", "none.bin"});
  check_fails(none, 1, "128");
  // An answer without a stream, and words in the wrong place.
  check_fails(ctl({"stream", "get", server + "/echo"}), 1, "no stream");
  check_fails(ctl({"stream", server + "/files/download"}), 2, "\"get\" or \"put\"");
  check_fails(ctl({"stream", "put", server + "/files/upload"}), 2, "--data FILE");
  check_fails(ctl({"stream", "put", server + "/files/upload", "--data", to + "/none"}), 1,
              "can't read");
}

TEST_CASE("TLS: verified, with a certificate of our own, or not at all") {
  certificate_authority ca;
  const daemon_runner vsoad{one_service("    tls: { " + ca.issue().yaml() + ", ca: " + ca.cert() +
                                        ", verify: optional }\n"
                                        "    credentials:\n"
                                        "      - { role: service, certificate: \"CN=gateway\" }\n"
                                        "      - { role: viewer, password: guest }\n")};
  const std::string echo = url(vsoad.service(), "/echo");
  certificate_wishes wishes;
  wishes.name = "gateway";
  wishes.key_password = "pass phrase";
  const certificate_files own = ca.issue(wishes);
  const std::string secret = ca.write("secret", "pass phrase\n");
  CHECK(ctl({"call", echo, "1", "--ca", ca.cert(), "--cert", own.cert, "--key", own.key,
             "--key-password-file", secret})
            .out == "1\n");
  CHECK(ctl({"call", echo, "2", "--insecure", "--password-file", "-"}, "guest").out == "2\n");
  check_fails(ctl({"call", echo, "3", "--insecure"}), 5, "password");
  check_fails(ctl({"call", echo, "--ca", ca.cert(), "--tls-host", "other.example"}), 5,
              "ostname mismatch");
  check_fails(ctl({"call", echo, "--tls"}), 5, echo);  // no CA of the system's has signed it
  check_fails(ctl({"call", echo, "--ca", ca.cert() + ".none"}), 1, ".none");
  check_fails(ctl({"call", echo, "--ca", ca.cert(), "--key", own.key}), 2, "--cert");
}

TEST_CASE("help teaches, of all and of each") {
  const program_result all = ctl({"--help"});
  CHECK(all.code == 0);
  for (const std::string command :
       {"call", "sub", "datagram", "stream", "ping", "lookup", "bench"}) {
    CAPTURE(command);
    CHECK(all.out.find("\n  " + command + " ") != std::string::npos);
    const program_result one = ctl({command, "--help"});
    CHECK(one.code == 0);
    CHECK(one.out.find("Examples:\n  vsoactl ") != std::string::npos);
    CHECK(one.out.find("--timeout") != std::string::npos);
    CHECK(ctl({"help", command}).out == one.out);
  }
  CHECK(ctl({"publish", "--help"}).out == ctl({"datagram", "--help"}).out);
  CHECK(ctl({"--version"}).out.starts_with("vsoactl "));
}

}  // namespace vsoactl_test
