#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "udp_peer.hpp"
#include "vsoa/position.hpp"

namespace position_server_test {

using namespace vsoa;
using test::at;
using test::eventually;
using test::udp_peer;

const position_entry car{"car", {ip_address::parse("10.0.0.9").value(), 3005}, true};
constexpr std::string_view car_text =
    R"({"name":"car","domain":2,"addr":"10.0.0.9","port":3005,"security":true})";

// Answers "car" at once, and nothing else.
void know_car(const position_query& query, const position_server::answer& answer) {
  if (query.name == "car") return answer(car);
  answer({});
}

struct fixture {
  explicit fixture(position_server::query_callback on_query = know_car,
                   position_server_options options = {}, runtime_options loops_options = {})
      : loops(std::move(loops_options)), server(loops, std::move(on_query), options) {
    address = server.listen(at("127.0.0.1"));
    loops.start();
    server.start();
  }
  runtime loops;
  position_server server;
  socket_address address;
};

TEST_CASE("known names are answered with all keys, unknown ones with an empty object") {
  fixture f;
  udp_peer client;
  CHECK(client.ask(f.address, R"({"name":"car"})") == car_text);
  CHECK(client.ask(f.address, R"({"name": "car", "domain": 2})") == car_text);
  CHECK(client.ask(f.address, std::string("{\"name\":\"car\"}\0", 15)) == car_text);
  CHECK(client.ask(f.address, R"({"name":"cart"})") == "{}");
  const auto stats = f.server.stats();
  CHECK(stats.queries == 4);
  CHECK(stats.answered == 3);
  CHECK(stats.unknown == 1);
  CHECK(stats.malformed == 0);
}

TEST_CASE("the callback is told who asks, for what, and where") {
  std::promise<position_query> asked;
  fixture f([&asked](const position_query& query, const position_server::answer& answer) {
    asked.set_value(query);
    answer({});
  });
  udp_peer client("127.0.0.3");
  client.ask(f.address, R"({"name":"CaR","domain":"10"})");
  const auto seen = asked.get_future().get();
  CHECK(seen.name == "CaR");
  CHECK(seen.domain == position_domain::inet6);
  CHECK(seen.peer == client.address());
  CHECK(seen.local.to_string() == "127.0.0.1");
}

TEST_CASE("the answer leaves from the address that was asked, also on a wildcard") {
  std::mutex mutex;
  std::vector<std::string> locals;
  runtime loops;
  position_server server(loops, [&](const position_query& query, const auto& answer) {
    const std::lock_guard lock(mutex);
    locals.push_back(query.local.to_string());
    answer(car);
  });
  auto v4 = server.listen(at("0.0.0.0"));
  auto v6 = server.listen({at("::").ip, v4.port});  // both families on one port
  loops.start();
  server.start();
  for (const auto* local : {"127.0.0.1", "127.0.0.2", "127.1.2.3"}) {
    udp_peer client;
    CHECK(client.ask({at(local).ip, v4.port}, R"({"name":"car"})") == car_text);
  }
  udp_peer client("::1");
  CHECK(client.ask({at("::1").ip, v6.port}, R"({"name":"car"})") == car_text);
  const std::lock_guard lock(mutex);
  CHECK(locals == std::vector<std::string>{"127.0.0.1", "127.0.0.2", "127.1.2.3", "::1"});
}

TEST_CASE("what is not a query is dropped and counted") {
  fixture f;
  udp_peer client;
  const std::vector<std::string> rubbish{"",
                                         "{}",
                                         "null",
                                         "[]",
                                         "garbage",
                                         R"({"name":5})",
                                         R"({"name":""})",
                                         std::string(car_text),
                                         std::string(5000, ' '),
                                         std::string(60000, 'x'),
                                         R"({"name":"car","domain":[]})"};
  for (const auto& text : rubbish)
    client.send(f.address, text);
  CHECK(client.ask(f.address, R"({"name":"car"})") == car_text);
  CHECK_FALSE(client.try_receive());
  CHECK(f.server.stats().malformed == rubbish.size());
  CHECK(f.server.stats().queries == 1);
}

TEST_CASE("addresses of another family than asked for are not given out") {
  std::atomic<int> calls = 0;
  fixture f([&calls](const position_query&, const position_server::answer& answer) {
    ++calls;
    answer(car);
  });
  udp_peer client;
  CHECK(client.ask(f.address, R"({"name":"car","domain":10})") == "{}");
  CHECK(calls == 1);
  CHECK(client.ask(f.address, R"({"name":"car","domain":7})") == "{}");
  CHECK(calls == 1);  // no family 7: nobody needs to be asked
}

TEST_CASE("an entry without a name gets the name as asked, one without a port is unknown") {
  fixture f([](const position_query& query, const position_server::answer& answer) {
    answer(position_entry{"", at(query.name == "x" ? "10.0.0.1:1" : "10.0.0.1"), false});
  });
  udp_peer client;
  CHECK(client.ask(f.address, R"({"name":"x"})") ==
        R"({"name":"x","domain":2,"addr":"10.0.0.1","port":1,"security":false})");
  CHECK(client.ask(f.address, R"({"name":"y"})") == "{}");
}

TEST_CASE("answers may come later, from any thread, in any order, and only the first counts") {
  std::mutex mutex;
  std::vector<position_server::answer> answers;
  fixture f([&](const position_query&, position_server::answer answer) {
    const std::lock_guard lock(mutex);
    answers.push_back(std::move(answer));
  });
  const auto held = [&] {
    const std::lock_guard lock(mutex);
    return answers.size();
  };
  udp_peer first;
  udp_peer second;
  first.send(f.address, R"({"name":"a"})");
  REQUIRE(eventually([&] { return held() == 1; }));
  second.send(f.address, R"({"name":"b"})");
  REQUIRE(eventually([&] { return held() == 2; }));
  std::thread([&] {
    answers[1](car);
    answers[1](std::nullopt);
  }).join();
  CHECK(second.receive().text == car_text);
  CHECK_FALSE(first.try_receive());
  answers[0]({});
  CHECK(first.receive().text == "{}");
  CHECK(f.server.stats().answered == 1);
  CHECK(f.server.stats().unknown == 1);
}

TEST_CASE("an answer after stop, or after everything is gone, goes nowhere") {
  std::promise<position_server::answer> asked;
  position_server::answer late;
  udp_peer client;
  {
    fixture f([&](const position_query&, position_server::answer answer) {
      asked.set_value(std::move(answer));
    });
    client.send(f.address, R"({"name":"a"})");
    late = asked.get_future().get();
    f.server.stop();
    f.server.stop();
    auto copy = late;
    copy(car);
  }
  late(car);
  CHECK_FALSE(client.try_receive());
}

TEST_CASE("stopping while other threads answer is safe") {
  for (int round = 0; round < 20; ++round) {
    std::promise<position_server::answer> asked;
    std::thread answering;
    {
      fixture f([&](const position_query&, position_server::answer answer) {
        asked.set_value(std::move(answer));
      });
      udp_peer client;
      client.send(f.address, R"({"name":"a"})");
      answering = std::thread([late = asked.get_future().get()] { late(car); });
    }
    answering.join();
  }
}

TEST_CASE("an exception of the callback is logged and costs that one answer") {
  std::mutex mutex;
  std::vector<std::string> lines;
  runtime_options options;
  options.log = [&](log_level level, std::string_view line) {
    const std::lock_guard lock(mutex);
    if (level == log_level::error) lines.emplace_back(line);
  };
  fixture f(
      [](const position_query& query, const position_server::answer& answer) {
        if (query.name == "one") throw std::runtime_error("no such luck");
        if (query.name == "two") throw 2;
        know_car(query, answer);
      },
      {}, options);
  udp_peer client;
  client.send(f.address, R"({"name":"one"})");
  client.send(f.address, R"({"name":"two"})");
  CHECK(client.ask(f.address, R"({"name":"car"})") == car_text);
  const std::lock_guard lock(mutex);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].find("no such luck") != std::string::npos);
}

TEST_CASE("queries that await an answer are bounded") {
  std::mutex mutex;
  std::vector<position_server::answer> answers;
  position_server_options options;
  options.max_pending = 2;
  fixture f(
      [&](const position_query&, position_server::answer answer) {
        const std::lock_guard lock(mutex);
        answers.push_back(std::move(answer));
      },
      options);
  udp_peer client;
  for (int i = 0; i < 5; ++i)
    client.send(f.address, R"({"name":"a"})");
  REQUIRE(eventually([&] { return f.server.stats().overloaded == 3; }));
  {
    const std::lock_guard lock(mutex);
    REQUIRE(answers.size() == 2);
    answers[0](car);  // one is answered, the other is let go without an answer
    answers.clear();
  }
  CHECK(client.receive().text == car_text);
  client.send(f.address, R"({"name":"a"})");
  REQUIRE(eventually([&] {
    const std::lock_guard lock(mutex);
    return answers.size() == 1;
  }));
  answers.clear();
}

TEST_CASE("a source that asks too often is not answered") {
  position_server_options options;
  options.answers_per_second = 1;
  options.burst = 3;
  options.limit_loopback = true;
  fixture f(know_car, options);
  udp_peer client;
  for (int i = 0; i < 50; ++i)
    client.send(f.address, R"({"name":"car"})");
  REQUIRE(eventually([&] { return f.server.stats().queries == 50; }));
  udp_peer other("127.0.0.2");
  CHECK(other.ask(f.address, R"({"name":"car"})") == car_text);
  const auto stats = f.server.stats();
  CHECK(stats.answered >= 4);
  CHECK(stats.answered < 40);
  CHECK(stats.answered + stats.rate_limited == 51);
}

TEST_CASE("thousands of queries from this machine are all answered") {
  fixture f;
  udp_peer client;
  for (int i = 0; i < 3000; ++i) {
    REQUIRE(client.ask(f.address, R"({"name":"car"})") == car_text);
  }
}

TEST_CASE("what can't be bound says which address") {
  fixture f;
  position_server second(f.loops, know_car);
  try {
    second.listen(f.address);
    FAIL("bound twice");
  } catch (const std::system_error& error) {
    CHECK(std::string(error.what()).find(f.address.to_string()) != std::string::npos);
  }
  CHECK_THROWS_AS(f.server.listen(at("127.0.0.1")), std::logic_error);
}

TEST_CASE("a server that was never started, or whose loops never ran, goes quietly") {
  runtime loops;
  position_server bound(loops, know_car);
  bound.listen(at("127.0.0.1"));
  position_server started(loops, know_car);
  started.listen(at("127.0.0.1"));
  started.start();
}

}  // namespace position_server_test
