// Handlers on a work queue.

#include <doctest/doctest.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "test_server.hpp"
#include "vsoa/work_queue.hpp"

namespace rpc_queue_test {

using namespace std::chrono_literals;
using namespace vsoa_test;
using vsoa::call;
using vsoa::status;
using vsoa::work_queue;

// Holds handlers back until the test opens it.
class barrier {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool await_waiting(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, patience, [&] { return waiting_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

TEST_CASE("a queued handler gets a copy of the request, on another thread") {
  work_queue queue(2);
  std::atomic<bool> elsewhere = false;
  test_server server;
  std::atomic<std::thread::id> loop;
  server->command("/inline", [&](call& c) {
    loop = std::this_thread::get_id();
    c.reply(status::success);
  });
  server->command(
      "/queued/",
      [&](call& c) {
        elsewhere = std::this_thread::get_id() != loop.load();
        const std::string text = std::string(c.url()) + "|" + std::string(c.payload().param);
        c.reply(status::success, text_payload(text, data_text(c.payload())));
      },
      &queue);
  server.start();
  tcp_peer peer = server.client();
  peer.ask(rpc(1, "/inline"));
  const packet reply = peer.ask(rpc(2, "/queued/x", "[1]", "data"));
  CHECK(elsewhere);
  CHECK(reply.param == "/queued/x|[1]");
  CHECK(reply.data == "data");
  CHECK(wait_until([&] { return server->idle(); }));
}

TEST_CASE("a slow queue does not hold up the loop; a full one is answered NO_MEMORY") {
  barrier gate;
  work_queue queue(1, 2);
  test_server server;
  server->command(
      "/slow",
      [&](call& c) {
        gate.wait();
        c.reply(status::success);
      },
      &queue);
  server.start();
  tcp_peer peer = server.client();
  peer.send(rpc(1, "/slow"));
  REQUIRE(gate.await_waiting(1));  // running
  for (std::uint32_t i = 2; i <= 5; ++i)
    peer.send(rpc(i, "/slow"));
  for (const std::uint32_t refused : {4U, 5U}) {
    const packet reply = peer.read();
    CHECK(reply.seqno == refused);
    CHECK(reply.status == status_no_memory);
  }
  CHECK(peer.ask(ping(9)).seqno == 9);
  CHECK(server->stats().calls_refused == 2);
  gate.open();
  for (std::uint32_t i = 1; i <= 3; ++i) {
    const packet reply = peer.read();
    CHECK(reply.seqno == i);
    CHECK(reply.status == 0);
  }
  CHECK(wait_until([&] { return server->idle(); }));
}

TEST_CASE("queued handlers may throw, stay silent, and defer again") {
  std::mutex mutex;
  std::vector<vsoa::deferred_call> kept;
  work_queue queue;
  test_server server;
  server->command(
      "/throw", [](call&) { throw std::runtime_error("on purpose"); }, &queue);
  server->command(
      "/silent", [](call&) {}, &queue);
  server->command(
      "/defer",
      [&](call& c) {
        const std::lock_guard lock(mutex);
        kept.push_back(c.defer());
      },
      &queue);
  server.start();
  tcp_peer peer = server.client();
  CHECK(peer.ask(rpc(1, "/throw")).status == status_no_responding);
  peer.send(rpc(2, "/silent"));
  peer.send(rpc(3, "/defer"));
  REQUIRE(wait_until([&] {
    const std::lock_guard lock(mutex);
    return kept.size() == 1;
  }));
  CHECK_FALSE(server->idle());
  kept[0].reply(status::success, text_payload("later"));
  const packet reply = peer.read();
  CHECK(reply.seqno == 3);
  CHECK(reply.param == "later");
  CHECK(wait_until([&] { return server->idle(); }));
}

TEST_CASE("the client may leave while its call is queued") {
  barrier gate;
  work_queue queue;
  std::atomic<int> done = 0;
  test_server server;
  server->command(
      "/slow",
      [&](call& c) {
        gate.wait();
        c.reply(status::success, text_payload("nobody"));
        ++done;
      },
      &queue);
  server.start();
  {
    tcp_peer peer = server.client();
    peer.send(rpc(1, "/slow").bytes() + rpc(2, "/slow").bytes());
    REQUIRE(gate.await_waiting(1));
  }
  REQUIRE(wait_until([&] { return server->clients().empty(); }));
  gate.open();
  CHECK(wait_until([&] { return done == 2; }));
  CHECK(server->idle());
}

TEST_CASE(
    "the server may go while calls are queued: what runs ends well, what waits does not run") {
  barrier gate;
  std::atomic<int> ran = 0;
  auto queue = std::make_unique<work_queue>(1);
  {
    test_server server;
    server->command(
        "/slow",
        [&](call& c) {
          ++ran;
          gate.wait();
          c.reply(status::success);
          throw std::runtime_error("logged by nobody");
        },
        queue.get());
    server.start();
    tcp_peer peer = server.client();
    peer.send(rpc(1, "/slow").bytes() + rpc(2, "/slow").bytes());
    REQUIRE(gate.await_waiting(1));
    REQUIRE(wait_until([&] { return queue->waiting() == 1; }));
  }
  gate.open();
  queue.reset();  // runs what waits
  CHECK(ran == 1);
}

}  // namespace rpc_queue_test
