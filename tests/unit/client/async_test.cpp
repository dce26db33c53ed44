// The Asio face: completion tokens, executors, cancellation, and ends at any moment.
#include <doctest/doctest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <thread>

#include "test_client.hpp"
#include "vsoa/async.hpp"

namespace async_test {

using namespace vsoa_test;
namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

struct rig {
  rig() {
    server->command("/echo", echo);
    server->command("/never", [this](vsoa::call& c) { kept.push_back(c.defer()); });
    server.start();
    client = std::make_unique<vsoa::client>(own.loops);
  }
  rig& connect() {
    REQUIRE(client->connect(url_of(server.at())) == std::error_code());
    return *this;
  }
  std::vector<vsoa::deferred_call> kept;
  test_server server;
  running_loops own;
  std::unique_ptr<vsoa::client> client;
};

TEST_CASE("a callback without an executor runs on the client's loop") {
  rig r;
  r.connect();
  std::promise<std::size_t> where;
  r.client->async_call({"/echo", text_payload("1")}, [&](error_code error, vsoa::reply answer) {
    CHECK(!error);
    CHECK(answer.param == "1");
    where.set_value(r.own.loops.here());
  });
  CHECK(where.get_future().get() == r.client->loop());
}

TEST_CASE("a callback with an executor runs there, and the executor waits for it") {
  rig r;
  r.connect();
  asio::io_context context;
  std::thread::id ran;
  r.client->async_ping(asio::bind_executor(context, [&](error_code error) {
    CHECK(!error);
    ran = std::this_thread::get_id();
  }));
  context.run();  // ends when the handler has run: it is outstanding work until then
  CHECK(ran == std::this_thread::get_id());
}

TEST_CASE("futures") {
  rig r;
  auto connected = r.client->async_connect(url_of(r.server.at()), {}, asio::use_future);
  CHECK(connected.get() == "\"\"");
  auto answer = r.client->async_call({"/echo", text_payload("[2]")}, asio::use_future);
  CHECK(answer.get().param == "[2]");
  r.client->async_subscribe("/a", asio::use_future).get();
  r.client->async_subscribe({"/b", "/c"}, asio::use_future).get();
  r.client->async_unsubscribe("/a", asio::use_future).get();
  r.client->async_unsubscribe_all(asio::use_future).get();
  auto failing = r.client->async_call({.url = "bad"}, asio::use_future);
  try {
    failing.get();
    FAIL("no error");
  } catch (const boost::system::system_error& e) {
    CHECK(e.code() == vsoa::errc::invalid_url);
  }
}

TEST_CASE("coroutines; what a request points to need not outlive the call") {
  rig r;
  asio::io_context context;
  std::vector<std::string> seen;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        const vsoa::connect_options how;  // with a name: g++ 12 spoils temporaries made of braces
        seen.push_back(
            co_await r.client->async_connect(url_of(r.server.at()), how, asio::use_awaitable));
        auto later = [&] {
          const std::string text = "\"a text that is too long to lie within the string\"";
          return r.client->async_call({"/echo", text_payload(text)}, asio::deferred);
        }();
        const vsoa::reply answer = co_await std::move(later)(asio::use_awaitable);
        seen.push_back(answer.param);
        auto [error, none] = co_await r.client->async_call(
            {.url = "/never", .timeout = milliseconds(20)}, asio::as_tuple(asio::use_awaitable));
        CHECK(error == vsoa::errc::timeout);
      },
      [](std::exception_ptr e) {
        if (e) std::rethrow_exception(e);
      });
  context.run();
  CHECK(seen ==
        std::vector<std::string>{"\"\"", "\"a text that is too long to lie within the string\""});
}

TEST_CASE("a coroutine on the client's own loop") {
  rig r;
  std::promise<bool> told;
  const vsoa::loop_executor loop(r.own.loops, r.client->loop());
  using here = asio::use_awaitable_t<vsoa::loop_executor>;
  asio::co_spawn(
      loop,
      [&]() -> asio::awaitable<bool, vsoa::loop_executor> {
        const vsoa::connect_options how;
        co_await r.client->async_connect(url_of(r.server.at()), how, here());
        const auto answer = co_await r.client->async_call({"/echo", text_payload("3")}, here());
        co_return answer.param == "3" && r.own.loops.here() == r.client->loop();
      },
      [&](std::exception_ptr e, bool good) { told.set_value(!e && good); });
  CHECK(told.get_future().get());
}

TEST_CASE("cancellation slots end an operation; the others live on") {
  rig r;
  r.connect();
  asio::io_context context;
  asio::cancellation_signal signal;
  int cancelled = 0;
  int answered = 0;
  const auto on_end = [&](error_code error, vsoa::reply) {
    CHECK(error == asio::error::operation_aborted);
    ++cancelled;
  };
  r.client->async_call({.url = "/never"}, asio::bind_cancellation_slot(
                                              signal.slot(), asio::bind_executor(context, on_end)));
  r.client->async_call({.url = "/echo"},
                       asio::bind_executor(context, [&](error_code error, vsoa::reply) {
                         CHECK(!error);
                         ++answered;
                       }));
  signal.emit(asio::cancellation_type::terminal);
  context.run();
  CHECK(cancelled == 1);
  CHECK(answered == 1);
  signal.emit(asio::cancellation_type::terminal);  // long over
}

TEST_CASE("whichever comes first: a call or a timer") {
  using namespace asio::experimental::awaitable_operators;
  rig r;
  r.connect();
  asio::io_context context;
  std::size_t first = 9;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        asio::steady_timer timer(context, milliseconds(20));
        const auto result = co_await (timer.async_wait(asio::use_awaitable) ||
                                      r.client->async_call({.url = "/never"}, asio::use_awaitable));
        first = result.index();
      },
      asio::detached);
  context.run();
  CHECK(first == 0);
  CHECK(r.client->pendings() == 0);
}

TEST_CASE("the end of the client ends what waits, once") {
  rig r;
  r.connect();
  std::atomic<int> aborted = 0;
  std::vector<std::future<vsoa::reply>> futures;
  for (int i = 0; i < 20; ++i) {
    r.client->async_call({.url = "/never"}, [&](error_code error, vsoa::reply) {
      if (error == asio::error::operation_aborted) ++aborted;
    });
  }
  SUBCASE("from another thread") {
    r.client.reset();
    CHECK(aborted == 20);
  }
  SUBCASE("from its loop") {
    r.server.run_on_loop(0, [] {});
    std::promise<int> told;
    r.own.loops.post(0, [&] {
      r.client.reset();
      told.set_value(aborted);
    });
    CHECK(told.get_future().get() == 20);
  }
  SUBCASE("from a completion of its own") {
    std::promise<void> told;
    r.client->async_call({.url = "/echo"}, [&](error_code, vsoa::reply) {
      r.client.reset();
      told.set_value();
    });
    told.get_future().get();
    CHECK(aborted == 20);
  }
}

TEST_CASE("what is begun by a token that has outlived the client is aborted") {
  rig r;
  auto later = r.client->async_ping(asio::deferred);
  r.client.reset();
  std::promise<error_code> told;
  std::move(later)([&](error_code error) { told.set_value(error); });
  CHECK(told.get_future().get() == asio::error::operation_aborted);
}

TEST_CASE("clients are destroyed at any moment, while others start, cancel and complete") {
  constexpr int rounds = sanitized ? 60 : 200;
  rig r;
  asio::thread_pool pool(2);
  std::atomic<int> begun = 0;
  std::atomic<int> ended = 0;
  for (int i = 0; i < rounds; ++i) {
    auto c = std::make_unique<vsoa::client>(r.own.loops);
    asio::cancellation_signal signal;
    const auto on_end = asio::bind_executor(pool, [&](error_code, vsoa::reply) { ++ended; });
    const auto done = [&](std::error_code, const vsoa::reply_view&) { ++ended; };
    ++begun;
    c->start_connect(url_of(r.server.at()), {}, done);
    if (i % 4 != 0) static_cast<void>(wait_until([&] { return c->is_connected(); }));
    for (int k = 0; k < 10; ++k) {
      begun += 3;
      c->async_call({.url = "/echo"}, on_end);
      c->async_call({.url = "/never"}, asio::bind_cancellation_slot(signal.slot(), on_end));
      c->start_subscribe({"/a", "/b"}, done);
      if (k % 3 == 0) signal.emit(asio::cancellation_type::terminal);
    }
    if (i % 3 == 0) c->disconnect();
    c.reset();
  }
  CHECK(wait_until([&] { return ended == begun; }));
  pool.join();
  CHECK(ended == begun);
}

}  // namespace async_test
