// Remote calls: routes, payloads, sizes, order, and what is answered when nothing serves a URL.
#include <doctest/doctest.h>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace rpc_test {

using namespace vsoa_test;

std::uint8_t status_of(tcp_peer& client, const std::string& url) {
  const packet reply = client.ask(rpc(9, url, "1"));
  CHECK(reply.type == type_rpc);
  CHECK(reply.seqno == 9);
  return reply.status;
}

TEST_CASE("param and data come back, each, both and neither") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  std::uint32_t seqno = 1;
  for (const std::string param : {"", "{\"a\":1}", "\"\"", "null", "not json", "\xFF\xFE"}) {
    for (std::size_t size = 0; size <= 9; ++size) {
      for (const bool set : {false, true}) {
        const packet request = rpc(seqno++, "/echo", param, std::string(size, 'd'), set);
        const packet reply = client.ask(request);
        CHECK(reply.type == type_rpc);
        CHECK(reply.flags == flag_reply);
        CHECK(reply.status == status_success);
        CHECK(reply.seqno == request.seqno);
        CHECK(reply.url.empty());
        CHECK(reply.param == param);
        CHECK(reply.data == request.data);
      }
    }
  }
}

TEST_CASE("the largest packet is served, in both directions") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  // The reply has no URL: it is five bytes shorter than the request.
  packet request = rpc(1, "/echo", "7");
  request.data.assign(max_packet_bytes - header_bytes - request.url.size() - 1, '\x5A');
  REQUIRE(request.bytes().size() == max_packet_bytes);
  CHECK(client.ask(request).data == request.data);
  request.data.resize(request.data.size() - 3);
  CHECK(client.ask(request).data == request.data);
}

TEST_CASE("any sequence number is echoed, and flags that mean nothing are ignored") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  for (const std::uint32_t seqno : {0U, 1U, 0xFFFFU, 0x10000U, 0x7FFFFFFFU, 0xFFFFFFFFU})
    CHECK(client.ask(rpc(seqno, "/echo")).seqno == seqno);
  packet odd = rpc(2, "/echo", "1");
  odd.flags = 0x38 | flag_tunnel;
  odd.tunid = 4711;
  odd.status = 200;
  const packet reply = client.ask(odd);
  CHECK(reply.status == status_success);
  CHECK(reply.flags == flag_reply);
  CHECK(reply.tunid == 0);
}

TEST_CASE("a URL that nothing serves, or that is none") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  for (const char* url : {"/", "/ech", "/echo/", "/echo/x", "//echo", "/Echo", "/echo?x", "/x"})
    CHECK(status_of(client, url) == status_invalid_url);
  for (const char* url : {"", "echo", "x/echo", " /echo"})
    CHECK(status_of(client, url) == status_arguments);
  CHECK(status_of(client, "/\xFF\xC3") == status_invalid_url);
  CHECK(status_of(client, "/" + std::string(65534, 'u')) == status_invalid_url);
  CHECK(status_of(client, "/echo") == status_success);
}

TEST_CASE("exact, subtree and default routes: the longest wins, an exact one first") {
  // Which command of the plugin answers tells which route was taken: /publish refuses such a param.
  const daemon_runner vsoad{with_plugins(R"(services:
  - name: main
    listen: [ "127.0.0.1:0" ]
    commands:
      /a/: { plugin: echo, command: /echo }
      /a/b/: { plugin: echo, command: /publish }
      /a/b/c/: { plugin: echo, command: /echo }
      /a/b/exact: { plugin: echo, command: /echo }
      /x: { plugin: echo, command: /publish }
      /x/: { plugin: echo, command: /echo }
)")};
  tcp_peer client{vsoad.service()};
  client.handshake();
  for (const char* url : {"/a", "/a/", "/a/x", "/a/bb", "/a/b/c", "/a/b/c/", "/a/b/c/d/e",
                          "/a/b/exact", "/x/", "/x/y"}) {
    CAPTURE(std::string(url));
    CHECK(status_of(client, url) == status_success);
  }
  for (const char* url : {"/a/b", "/a/b/", "/a/b/x", "/a/b/cc", "/a/b/exact/", "/x"}) {
    CAPTURE(std::string(url));
    CHECK(status_of(client, url) == status_arguments);
  }
  for (const char* url : {"/", "/ax", "/xx", "/b"}) {
    CAPTURE(std::string(url));
    CHECK(status_of(client, url) == status_invalid_url);
  }
}

TEST_CASE("plugins: all serves each plugin where it says, and explicit commands win") {
  const daemon_runner vsoad{with_plugins(R"(services:
  - name: main
    listen: [ "127.0.0.1:0" ]
    plugins: all
    commands:
      /taken: { plugin: echo, command: /publish }
)")};
  tcp_peer client{vsoad.service()};
  client.handshake();
  CHECK(status_of(client, "/echo") == status_success);
  // Not at the default commands of plugins: one of them would hide that a URL is served by nothing.
  CHECK(status_of(client, "/any/thing") == status_invalid_url);
  CHECK(status_of(client, "/taken") == status_arguments);
  const packet info = client.ask(rpc(3, "/sysinfo"));
  CHECK(info.status == status_success);
  CHECK(info.param.starts_with("{"));
}

TEST_CASE("a plugin mounted below a URL") {
  const daemon_runner vsoad{with_plugins(R"(services:
  - name: main
    listen: [ "127.0.0.1:0" ]
    plugins: { echo: { mount: /e } }
)")};
  tcp_peer client{vsoad.service()};
  client.handshake();
  CHECK(status_of(client, "/e/echo") == status_success);
  CHECK(status_of(client, "/e/publish") == status_arguments);
  CHECK(status_of(client, "/e/any/thing") == status_success);  // its default
  CHECK(status_of(client, "/echo") == status_invalid_url);
}

TEST_CASE("pipelined calls are all answered, each with its own payload") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  std::string burst;
  for (std::uint32_t seqno = 1; seqno <= 500; ++seqno)
    burst += rpc(seqno, "/echo", std::to_string(seqno), std::string(seqno % 7, 'x')).bytes();
  client.send(burst);
  for (std::uint32_t seqno = 1; seqno <= 500; ++seqno) {
    const packet reply = client.read();
    REQUIRE(reply.seqno == seqno);
    REQUIRE(reply.param == std::to_string(seqno));
  }
}

TEST_CASE("packets that are not aligned, or padded more than needed, are served") {
  const daemon_runner vsoad{one_service()};
  tcp_peer client{vsoad.service()};
  client.handshake();
  for (std::uint8_t pad = 0; pad < 4; ++pad) {
    const wire_header header{.flags = static_cast<std::uint8_t>(pad << 6),
                             .seqno = 1,
                             .url_length = 5,
                             .param_length = 2};
    client.send(header.bytes() + "/echo" + "12" + std::string(pad, '\xEE') + ping(2).bytes());
    CHECK(client.read().param == "12");
    CHECK(client.read().type == type_pingecho);
  }
}

TEST_CASE("a full work queue is answered NO_MEMORY, and the queue answers what it took") {
  const daemon_runner vsoad{with_plugins(R"(work_queues:
  slow: { threads: 1, limit: 4 }
services:
  - name: main
    listen: [ "127.0.0.1:0" ]
    commands:
      /echo: { plugin: echo, work_queue: slow }
)")};
  tcp_peer client{vsoad.service()};
  client.handshake();
  std::string burst;
  for (std::uint32_t seqno = 0; seqno < 2000; ++seqno)
    burst += rpc(seqno, "/echo", "1").bytes();
  client.send(burst);
  for (int answered = 0; answered < 2000; ++answered) {
    const packet reply = client.read();
    REQUIRE((reply.status == status_success || reply.status == status_no_memory));
  }
  CHECK(client.ask(rpc(9, "/echo", "1")).param == "1");
}

}  // namespace rpc_test
