// The example of lib/README.md does what it says.
#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include "test_client.hpp"

namespace readme_test {

using namespace vsoa_test;

TEST_CASE("the client of the README calls and hears") {
  test_server server;
  server->command("/hello", [&](vsoa::call& c) {
    server->publish("/hello/count", text_payload("1"));
    c.reply(vsoa::status::success, text_payload(R"("hello, world")"));
  });
  server.start();
  const std::string command =
      std::string(README_CLIENT) + " " + url_of(server.at()) + " < /dev/null";
  std::FILE* const program = ::popen(command.c_str(), "r");
  REQUIRE(program != nullptr);
  std::string output;
  for (int c = std::fgetc(program); c != EOF; c = std::fgetc(program))
    output += static_cast<char>(c);
  CHECK(::pclose(program) == 0);
  CHECK(output.find("SUCCESS \"hello, world\"\n") != std::string::npos);
  CHECK(output.find("/hello/count: 1\n") != std::string::npos);
}

}  // namespace readme_test
