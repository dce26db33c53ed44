// vsoactl against servers that come and go, or do not answer.
#include <doctest/doctest.h>

#include "program.hpp"
#include "scripted_server.hpp"

using namespace vsoa_test;

namespace {

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

}  // namespace
