// vsoactl against servers that come and go, or do not answer.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <utility>

#include "daemon_runner.hpp"
#include "file.hpp"
#include "program.hpp"
#include "scripted_server.hpp"

namespace vsoactl_scripted_test {

using namespace vsoa_test;

// A session that has subscribed to /a.
scripted_session accept_subscriber(scripted_server& server) {
  scripted_session s = server.accept();
  s.shake_hands();
  s.send(reply_to(s.read(type_subscribe)));
  return s;
}

void refuse(scripted_server& server) {
  server.accept().read(type_servinfo);
}

TEST_CASE("sub --retry says once why there is no connection, and that it is back") {
  scripted_server server;
  program listening({VSOACTL_PROGRAM, "sub", server.url() + "/a", "--count", "2", "--retry"});
  const std::string name = "vsoactl: " + server.url() + "/: ";
  const std::string failed = name + "the server did not answer the handshake; trying again\n";
  const std::string back = name + "connected\n";
  std::string all = failed;
  const auto is_told = [&] { return listening.complained() == all; };
  refuse(server);
  CHECK(wait_until(is_told));
  refuse(server);
  {
    scripted_session s = accept_subscriber(server);
    all += back;  // behind a single line of the two attempts
    CHECK(is_told());
    s.send(published("/a", "1"));
    CHECK(wait_until([&] { return listening.said() == "/a 1\n"; }));
  }
  all += name + "the connection has ended\n";
  CHECK(wait_until(is_told));
  refuse(server);
  all += failed;
  CHECK(wait_until(is_told));
  scripted_session s = accept_subscriber(server);
  s.send(published("/a", "2"));
  const program_result r = listening.wait();
  CHECK(r.code == 0);
  CHECK(r.out == "/a 1\n/a 2\n");
  CHECK(r.err == all + back);
}

TEST_CASE("sub --retry says nothing where all is well") {
  scripted_server server;
  program listening({VSOACTL_PROGRAM, "sub", server.url() + "/a", "--count", "1", "--retry"});
  scripted_session s = accept_subscriber(server);
  s.send(published("/a", "1"));
  const program_result r = listening.wait();
  CHECK(r.code == 0);
  CHECK(r.err.empty());
}

TEST_CASE(
    "stream put waits for the last word as long as --timeout says, and anew with each piece") {
  scripted_server server;
  scripted_server offered;
  program putting(
      {VSOACTL_PROGRAM, "stream", "put", server.url() + "/put", "--data", "-", "--timeout", "2s"},
      "some bytes");
  scripted_session s = server.accept();
  s.shake_hands();
  packet answer = reply_to(s.read(type_rpc));
  answer.flags |= flag_tunnel;
  answer.tunid = offered.port();
  s.send(answer);
  scripted_session stream = offered.accept();
  CHECK(stream.ends());  // vsoactl has said all
  SUBCASE("it never comes") {
    const program_result r = putting.wait();
    CHECK(r.code == 4);
    CHECK(r.err.find("did not answer in time") != std::string::npos);
    CHECK(r.out.empty());
  }
  SUBCASE("it comes, and the end does not") {
    stream.send("half a word");
    const program_result r = putting.wait();
    CHECK(r.code == 4);
    CHECK(r.err.find("did not answer in time") != std::string::npos);
  }
  SUBCASE("it comes") {
    stream.send("{}");
    stream.close();
    const program_result r = putting.wait();
    CHECK(r.code == 0);
    CHECK(r.out == "{}\n");
  }
}

// A server that answers a call with a stream.
struct streaming_server {
  scripted_server server;
  scripted_server offered;

  /// @return vsoactl's end of the stream, and the session, which must last as long
  std::pair<scripted_session, scripted_session> offer(const std::string& param = {}) {
    scripted_session s = server.accept();
    s.shake_hands();
    packet answer = reply_to(s.read(type_rpc), 0, param);
    answer.flags |= flag_tunnel;
    answer.tunid = offered.port();
    s.send(answer);
    scripted_session stream = offered.accept();
    return {std::move(s), std::move(stream)};
  }
};

void check_ends(program& p, int code, const std::string& why) {
  const program_result r = p.wait();
  CAPTURE(r.err);
  CHECK(r.code == code);
  CHECK(r.err.find(why) != std::string::npos);
}

TEST_CASE("stream get: fewer bytes than were announced are a failure") {
  streaming_server s;
  program getting({VSOACTL_PROGRAM, "stream", "get", s.server.url() + "/get"});
  auto [session, stream] = s.offer(R"({"length":10,"size":1000})");
  SUBCASE("fewer") {
    stream.send("1234");
    stream.close();
    check_ends(getting, 4, "after 4 of 10 bytes");
  }
  SUBCASE("all") {
    stream.send("1234567890");
    stream.close();
    const program_result r = getting.wait();
    CHECK(r.code == 0);
    CHECK(r.out == "1234567890");
  }
}

TEST_CASE("stream put: a server that does not say that it has all, or does not want all") {
  streaming_server s;
  const temporary_directory directory;
  SUBCASE("without a last word") {
    const std::string file = directory.write("file", "abc");
    program putting(
        {VSOACTL_PROGRAM, "stream", "put", s.server.url() + "/put", "--data", file, "--path", "x"});
    auto [session, stream] = s.offer();
    CHECK(stream.fills());
    stream.close();
    check_ends(putting, 4, "has not said that it has taken all");
  }
  // A pipe into which nobody writes.
  const std::string pipe = directory.path() / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  const unique_fd held(::open(pipe.c_str(), O_RDWR | O_CLOEXEC));
  const std::vector<std::string> command{VSOACTL_PROGRAM,         "stream", "put",
                                         s.server.url() + "/put", "--data", pipe};
  SUBCASE("it ends the stream while there is nothing to be read") {
    program putting(command);
    auto [session, stream] = s.offer();
    stream.close();
    check_ends(putting, 4, "before all was sent");
  }
  SUBCASE("Ctrl-C while there is nothing to be read") {
    program putting(command);
    auto [session, stream] = s.offer();
    REQUIRE(::write(held.get(), "x", 1) == 1);
    CHECK(stream.fills());
    putting.signal(SIGINT);
    check_ends(putting, 4, "interrupted");
  }
}

TEST_CASE("Ctrl-C ends what is still connecting") {
  scripted_server server;
  for (const std::string name : {"ping", "sub", "bench", "stream"}) {
    CAPTURE(name);
    std::vector<std::string> command{VSOACTL_PROGRAM, name};
    if (name == "stream") command.emplace_back("get");
    command.insert(command.end(), {server.url() + "/a", "--timeout", "1h"});
    program p(command);
    scripted_session silent = server.accept();
    silent.read(type_servinfo);
    p.signal(SIGINT);
    check_ends(p, 4, "interrupted");
  }
}

TEST_CASE("a signal before all messages that were wanted have come") {
  scripted_server server;
  program p({VSOACTL_PROGRAM, "sub", server.url() + "/a", "--count", "1"});
  scripted_session s = server.accept();
  s.shake_hands();
  s.send(reply_to(s.read(type_subscribe)));
  p.signal(SIGINT);
  check_ends(p, 4, "interrupted");
}

TEST_CASE("what fails leaves the file of --output as it was") {
  const temporary_directory directory;
  const std::string file = directory.write("file", "precious");
  scripted_server server;
  for (const bool is_stream : {false, true}) {
    CAPTURE(is_stream);
    std::vector<std::string> command{VSOACTL_PROGRAM, is_stream ? "stream" : "call"};
    if (is_stream) command.emplace_back("get");
    command.insert(command.end(), {server.url() + "/a", "--output", file});
    program p(command);
    scripted_session s = server.accept();
    s.shake_hands();
    s.send(reply_to(s.read(type_rpc), 3));
    check_ends(p, 1, "INVALID_URL");
    CHECK(read_file(file) == "precious");
  }
}

}  // namespace vsoactl_scripted_test
