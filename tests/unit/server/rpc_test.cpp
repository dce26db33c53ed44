// Calls: who serves them, and every way to answer.

#include <doctest/doctest.h>

#include <mutex>
#include <stdexcept>
#include <thread>

#include "test_server.hpp"

namespace rpc_test {

using namespace std::chrono_literals;
using namespace vsoa_test;
using vsoa::call;
using vsoa::deferred_call;
using vsoa::status;

// A handler that answers with its own name.
vsoa::command_handler named(std::string name) {
  return [name = std::move(name)](call& c) { c.reply(status::success, text_payload(name)); };
}

// Deferred calls on their way from a loop to the test.
class call_box {
 public:
  void put(deferred_call c) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(c));
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return calls_.size();
  }
  deferred_call take() {
    const std::lock_guard lock(mutex_);
    deferred_call c = std::move(calls_.back());
    calls_.pop_back();
    return c;
  }

 private:
  std::mutex mutex_;
  std::vector<deferred_call> calls_;
};

TEST_CASE("exact, else the longest subtree, else the default") {
  test_server server;
  for (const char* url : {"/a", "/a/", "/a/b/", "/c/", "/"})
    CHECK(server->command(url, named(url)));
  for (const char* url : {"", "a", "/\xff"})
    CHECK_FALSE(server->command(url, named("never")));
  server.start();
  tcp_peer peer = server.client();
  const std::pair<const char*, const char*> expected[] = {
      {"/a", "/a"},     {"/a/", "/a/"},    {"/a/x", "/a/"}, {"/a/b", "/a/b/"}, {"/a/b/c", "/a/b/"},
      {"/a/bc", "/a/"}, {"/c", "/c/"},     {"/cc", "/"},    {"/", "/"},        {"/x/y", "/"},
      {"//", "/"},      {"/a//b/", "/a/"}, {"/A", "/"},
  };
  for (const auto& row : expected) {
    CAPTURE(row.first);
    const packet reply = peer.ask(rpc(1, row.first));
    CHECK(reply.status == 0);
    CHECK(reply.param == row.second);
  }
}

TEST_CASE("URLs that nobody serves") {
  test_server server;
  server->command("/a/", named("a"));
  server.start();
  tcp_peer peer = server.client();
  const std::pair<const char*, int> expected[] = {
      {"", status_arguments},        {"a", status_arguments},         {"x/", status_arguments},
      {"/", status_invalid_url},     {"/b", status_invalid_url},      {"/ab", status_invalid_url},
      {"/\xff", status_invalid_url}, {"/a/\xff", status_invalid_url},
  };
  for (const auto& row : expected) {
    CAPTURE(row.first);
    const packet reply = peer.ask(rpc(0xFFFFFFFF, row.first, "{}", "data"));
    CHECK(reply.type == type_rpc);
    CHECK(reply.flags == flag_reply);
    CHECK(reply.status == row.second);
    CHECK(reply.seqno == 0xFFFFFFFF);
    CHECK(reply.param.empty());
    CHECK(reply.data.empty());
  }
}

TEST_CASE("a handler sees what was sent, and its answer arrives as it was given") {
  test_server server;
  server->command("/see", [](call& c) {
    CHECK(c.url() == "/see");
    CHECK(c.seqno() == 7);
    CHECK(c.client() != 0);
    const std::string text = std::string(c.payload().param) + "|" + data_text(c.payload());
    c.reply(static_cast<status>(255), text_payload(text, "out"), 1234);
    c.reply(status::success);  // does nothing
    CHECK_FALSE(c.defer());
  });
  server->command("/method", [](call& c) {
    c.reply(status::success, text_payload(c.method() == vsoa::method::set ? "set" : "get"));
  });
  server.start();
  tcp_peer peer = server.client();
  const packet reply = peer.ask(rpc(7, "/see", "not json", std::string("\0\1", 2)));
  CHECK(reply.status == 255);
  CHECK(reply.flags == (flag_reply | flag_tunnel));
  CHECK(reply.tunid == 1234);
  CHECK(reply.param == "not json|" + std::string("\0\1", 2));
  CHECK(reply.data == "out");
  CHECK(reply.url.empty());
  CHECK(peer.ask(rpc(1, "/method")).param == "get");
  CHECK(peer.ask(rpc(1, "/method", {}, {}, true)).param == "set");
}

TEST_CASE("a handler may stay silent") {
  test_server server;
  server->command("/silent", [](call&) {});
  server.start();
  tcp_peer peer = server.client();
  peer.send(rpc(1, "/silent"));
  CHECK(peer.ask(ping(2)).type == type_pingecho);
  CHECK(wait_until([&] { return server->idle(); }));
}

TEST_CASE("the largest answer fits; a larger one becomes NO_MEMORY") {
  test_server server;
  server->command("/size", [](call& c) {
    const std::string data(std::stoul(std::string(c.payload().param)), 'x');
    c.reply(status::success, text_payload({}, data));
  });
  server.start();
  tcp_peer peer = server.client();
  CHECK(peer.ask(rpc(1, "/size", "262124")).data.size() == 262124);
  const packet refused = peer.ask(rpc(2, "/size", "262125"));
  CHECK(refused.status == status_no_memory);
  CHECK(refused.data.empty());
}

TEST_CASE("the largest request is served") {
  test_server server;
  server->command("/echo", echo);
  server.start();
  tcp_peer peer = server.client();
  const std::string data(262124 - 5, 'x');
  CHECK(peer.ask(rpc(1, "/echo", {}, data)).data == data);
}

TEST_CASE("what no command serves goes to on_unserved") {
  test_server server;
  server->command("/a", named("a"));
  server->on_unserved([](call& c) {
    if (c.url() == "/throw") throw std::runtime_error("on purpose");
    if (c.url() != "/dynamic") return false;
    c.reply(status::success, text_payload("dynamic"));
    return true;
  });
  server.start();
  tcp_peer peer = server.client();
  CHECK(peer.ask(rpc(1, "/a")).param == "a");
  CHECK(peer.ask(rpc(1, "/dynamic")).param == "dynamic");
  CHECK(peer.ask(rpc(1, "/other")).status == status_invalid_url);
  CHECK(peer.ask(rpc(1, "/throw")).status == status_no_responding);
  CHECK(peer.ask(rpc(1, "no slash")).status == status_arguments);
}

TEST_CASE("a handler that throws is answered NO_RESPONDING, unless it has answered") {
  test_server server;
  server->command("/throw", [](call& c) {
    if (c.payload().param == "1") c.reply(status::success);
    if (c.payload().param == "2") throw 42;
    throw std::runtime_error("on purpose");
  });
  server->command("/defer", [](call& c) {
    const deferred_call lost = c.defer();
    throw std::runtime_error("on purpose");
  });
  server.start();
  tcp_peer peer = server.client();
  CHECK(peer.ask(rpc(1, "/throw")).status == status_no_responding);
  CHECK(peer.ask(rpc(2, "/throw", "1")).status == 0);
  CHECK(peer.ask(rpc(3, "/throw", "2")).status == status_no_responding);
  CHECK(peer.ask(rpc(4, "/defer")).status == status_no_responding);
  CHECK(peer.ask(ping(5)).seqno == 5);
}

TEST_CASE("deferred calls are answered from any thread, in any order, once") {
  for (const std::size_t loops : {1U, 2U}) {
    test_server server({}, loops);
    call_box box;
    server->command("/later", [&](call& c) {
      deferred_call d = c.defer();
      CHECK(d);
      CHECK_FALSE(c.defer());
      c.reply(status::success, text_payload("too late"));
      box.put(std::move(d));
    });
    server.start();
    tcp_peer peer = server.client();
    for (std::uint32_t i = 0; i < 3; ++i)
      peer.send(rpc(i, "/later"));
    REQUIRE(wait_until([&] { return box.size() == 3; }));
    CHECK_FALSE(server->idle());
    for (std::uint32_t i = 3; i-- > 0;) {
      deferred_call d = box.take();
      d.reply(static_cast<status>(200), text_payload("p", "d"), 9);
      CHECK_FALSE(d);
      d.reply(status::success);
      const packet reply = peer.read();
      CHECK(reply.seqno == i);
      CHECK(reply.status == 200);
      CHECK(reply.param == "p");
      CHECK(reply.data == "d");
      CHECK(reply.tunid == 9);
    }
    CHECK(peer.silent(50ms));
    CHECK(wait_until([&] { return server->idle(); }));
  }
}

TEST_CASE("a deferred call answered on another client's loop, and on its own") {
  test_server server({}, 2);
  call_box box;
  server->command("/later", [&](call& c) { box.put(c.defer()); });
  server.start();
  tcp_peer peer = server.client();
  for (std::size_t loop = 0; loop < 2; ++loop) {
    peer.send(rpc(5, "/later"));
    REQUIRE(wait_until([&] { return box.size() == 1; }));
    server.run_on_loop(loop, [&] { box.take().reply(status::success); });
    CHECK(peer.read().seqno == 5);
  }
}

TEST_CASE("a deferred call that is destroyed answers NO_RESPONDING, one that is dropped nothing") {
  test_server server;
  call_box box;
  server->command("/later", [&](call& c) { box.put(c.defer()); });
  server.start();
  tcp_peer peer = server.client();
  peer.send(rpc(1, "/later").bytes() + rpc(2, "/later").bytes() + rpc(3, "/later").bytes());
  REQUIRE(wait_until([&] { return box.size() == 3; }));
  box.take().drop();
  { const deferred_call destroyed = box.take(); }
  const packet reply = peer.read();
  CHECK(reply.seqno == 2);
  CHECK(reply.status == status_no_responding);
  // Assigned over: the one that was there is destroyed.
  deferred_call d = box.take();
  d = deferred_call();
  CHECK(peer.read().seqno == 1);
  CHECK(wait_until([&] { return server->idle(); }));
}

TEST_CASE("an answer after the client has gone does nothing, not even to the next client") {
  test_server server;
  call_box box;
  server->command("/later", [&](call& c) { box.put(c.defer()); });
  server.start();
  {
    tcp_peer peer = server.client();
    peer.send(rpc(1, "/later"));
    REQUIRE(wait_until([&] { return box.size() == 1; }));
  }
  REQUIRE(wait_until([&] { return server->clients().empty(); }));
  CHECK(server->idle());
  tcp_peer other = server.client();
  box.take().reply(status::success);
  CHECK(other.ask(ping(3)).type == type_pingecho);
  CHECK(wait_until([&] { return server->idle(); }));
}

TEST_CASE("more calls in flight than allowed are answered NO_MEMORY at once") {
  vsoa::server_options options;
  options.limits.calls_in_flight = 3;
  test_server server(options);
  call_box box;
  server->command("/later", [&](call& c) { box.put(c.defer()); });
  server.start();
  tcp_peer peer = server.client();
  for (std::uint32_t i = 1; i <= 5; ++i)
    peer.send(rpc(i, "/later"));
  for (const std::uint32_t refused : {4U, 5U}) {
    const packet reply = peer.read();
    CHECK(reply.seqno == refused);
    CHECK(reply.status == status_no_memory);
  }
  CHECK(server->stats().calls == 5);
  CHECK(server->stats().calls_refused == 2);
  box.take().reply(status::success);
  CHECK(peer.read().seqno == 3);
  peer.send(rpc(6, "/later"));
  REQUIRE(wait_until([&] { return box.size() == 3; }));
  // Another client has a count of its own.
  tcp_peer other = server.client();
  other.send(rpc(1, "/later"));
  REQUIRE(wait_until([&] { return box.size() == 4; }));
}

TEST_CASE("a handler may close its own client, after its answer has been queued") {
  test_server server;
  server->command("/bye", [&](call& c) {
    CHECK(server->close(c.client()));
    CHECK(server->client(c.client()));  // not while the callback runs
    c.reply(status::success);
  });
  server.start();
  tcp_peer peer = server.client();
  peer.send(rpc(1, "/bye"));
  CHECK(peer.wait_end() != ending::none);
  CHECK(wait_until([&] { return server->clients().empty(); }));
}

TEST_CASE("commands may change while calls arrive: each is served by the old or the new") {
  test_server server({}, 2);
  server->set_commands({{"/n", named("0"), nullptr}});
  server.start();
  std::atomic<bool> stop = false;
  std::thread changer([&] {
    for (int i = 1; !stop; ++i) {
      std::vector<vsoa::server::command_entry> entries;
      entries.push_back({"/n", named(std::to_string(i)), nullptr});
      entries.push_back({"/other" + std::to_string(i), named("x"), nullptr});
      server->set_commands(std::move(entries));
    }
  });
  tcp_peer first = server.client();
  tcp_peer second = server.client();
  int last[2] = {0, 0};
  for (int i = 0; i < 500; ++i) {
    tcp_peer& peer = i % 2 == 0 ? first : second;
    const packet reply = peer.ask(rpc(1, "/n"));
    REQUIRE(reply.status == 0);
    const int now = std::stoi(reply.param);
    REQUIRE(now >= last[i % 2]);
    last[i % 2] = now;
  }
  stop = true;
  changer.join();
  CHECK_FALSE(server->set_commands({{"bad", named("x"), nullptr}}));
  CHECK(first.ask(rpc(1, "/n")).status == 0);
  CHECK(server->set_commands({}));
  CHECK(wait_until([&] { return first.ask(rpc(1, "/n")).status == status_invalid_url; }));
}

TEST_CASE("thousands of pipelined calls are answered in order") {
  test_server server;
  server->command("/echo", echo);
  server.start();
  tcp_peer peer = server.client();
  std::string requests;
  for (std::uint32_t i = 0; i < 5000; ++i)
    requests += rpc(i, "/echo", std::to_string(i)).bytes();
  std::thread sender([&] { peer.send(requests); });
  bool ordered = true;
  for (std::uint32_t i = 0; i < 5000; ++i) {
    const packet reply = peer.read();
    ordered = ordered && reply.seqno == i && reply.param == std::to_string(i);
  }
  sender.join();
  CHECK(ordered);
  CHECK(server->stats().calls == 5000);
}

TEST_CASE("large answers that the kernel does not take at once arrive whole and in order") {
  constexpr std::uint32_t calls = 40;
  const auto body = [](std::uint32_t seqno) {
    std::string text(100U << 10, static_cast<char>('a' + seqno % 26));
    return text += std::to_string(seqno);
  };
  vsoa::server_options options;
  options.limits.outbox = 64U << 20;
  options.limits.send_timeout = std::chrono::seconds(60);
  test_server server(options);
  server->command("/large", [&](vsoa::call& c) {
    const std::string mine = body(c.seqno());  // gone when the handler returns
    c.reply(vsoa::status::success, text_payload("{}", mine));
  });
  server.start();
  tcp_peer peer = server.client(0, {.local_ip = {}, .receive_buffer = 4096});
  std::string batch;
  for (std::uint32_t i = 1; i <= calls; ++i)
    batch += rpc(i, "/large").bytes();
  peer.send(batch);
  CHECK(wait_until([&] { return server->stats().calls == calls; }));
  for (std::uint32_t i = 1; i <= calls; ++i) {
    const packet reply = peer.read();
    CHECK(reply.seqno == i);
    CHECK((reply.data == body(i)));
  }
}

}  // namespace rpc_test
