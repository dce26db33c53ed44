#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "udp_peer.hpp"
#include "vsoa/position.hpp"

namespace lookup_test {

using namespace vsoa;
using namespace std::chrono_literals;
using test::at;
using test::udp_peer;

constexpr std::string_view car = R"({"name":"car","domain":2,"addr":"10.0.0.9","port":3005})";
const std::string query = R"({"name":"car"})";

// So long that a test which needs a timeout to pass would be ended by ctest.
const lookup_options patient{position_domain::any, 1h, 1};
const lookup_options hasty{position_domain::any, 20ms, 2};

using result = std::optional<position_entry>;

// lookup() on another thread, so that the test can play the servers.
std::future<result> start_lookup(std::vector<socket_address> servers,
                                 const lookup_options& options = patient) {
  return std::async(std::launch::async, [servers = std::move(servers), options] {
    return lookup("car", servers, options);
  });
}

socket_address closed_port() {
  const udp_peer gone;
  return gone.address();
}

void check_car(const result& entry) {
  REQUIRE(entry);
  CHECK(entry->name == "car");
  CHECK(entry->address.to_string() == "10.0.0.9:3005");
}

TEST_CASE("a name is found by our own server, in both families") {
  runtime loops;
  position_server server(loops, [](const position_query& asked, const auto& answer) {
    answer(position_entry{"", {asked.local, 3005}, true});
  });
  const auto v4 = server.listen(at("127.0.0.1"));
  const auto v6 = server.listen(at("::1"));
  loops.start();
  server.start();
  const auto first = lookup("服务 \"1\"", {v4});
  REQUIRE(first);
  CHECK(first->name == "服务 \"1\"");
  CHECK(first->address.to_string() == "127.0.0.1:3005");
  CHECK(first->secure);
  const auto second = lookup("car", {v6}, {position_domain::inet6, 2s, 2});
  REQUIRE(second);
  CHECK(second->address.to_string() == "[::1]:3005");
  CHECK_FALSE(lookup("car", {v6}, {position_domain::inet, 2s, 2}));
}

TEST_CASE("the query is that of the official clients") {
  udp_peer server;
  auto pending = start_lookup({server.address()}, {position_domain::inet, 1h, 1});
  const auto asked = server.receive();
  CHECK(asked.text == R"({"name":"car","domain":2})");
  server.send(asked.from, car);
  check_car(pending.get());
}

TEST_CASE("only the server that was asked is heard") {
  udp_peer server;
  udp_peer forger;
  udp_peer other_address("127.0.0.2");
  auto pending = start_lookup({server.address()});
  const auto asked = server.receive();
  forger.send(asked.from, R"({"addr":"6.6.6.6","port":666})");
  other_address.send(asked.from, R"({"addr":"6.6.6.6","port":666})");
  server.send(asked.from, car);
  check_car(pending.get());
}

TEST_CASE("a lost query is sent again, to the same server and from the same port") {
  udp_peer server;
  auto pending = start_lookup({server.address()}, {position_domain::any, 20ms, 1000});
  const auto first = server.receive();
  const auto second = server.receive();
  CHECK(first.text == query);
  CHECK(second.text == query);
  CHECK(first.from == second.from);
  server.send(second.from, car);
  check_car(pending.get());
}

TEST_CASE("a server that stays silent is asked as often as wanted, then the next") {
  udp_peer silent;
  udp_peer server;
  auto pending = start_lookup({silent.address(), server.address()}, hasty);
  const auto asked = server.receive();
  server.send(asked.from, car);
  // The hasty lookup may have given up on a slow machine; what counts is who was asked.
  const auto found = pending.get();
  if (found) check_car(found);
  CHECK(silent.receive().text == query);
  CHECK(silent.receive().text == query);
  CHECK_FALSE(silent.try_receive());
}

TEST_CASE("a useless answer leads to the next server at once") {
  for (const std::string_view useless :
       {"{}", "null", "", "rubbish", R"({"addr":"host","port":1})",
        R"({"addr":"10.0.0.1","port":0})", R"({"addr":"10.0.0.1","port":1,"domain":10})"}) {
    CAPTURE(useless);
    udp_peer first;
    udp_peer second;
    auto pending = start_lookup({first.address(), second.address()});
    first.send(first.receive().from, useless);
    second.send(second.receive().from, car);
    check_car(pending.get());
  }
}

TEST_CASE("an answer that is far too long is useless") {
  udp_peer first;
  auto pending = start_lookup({first.address()});
  first.send(first.receive().from, std::string(car) + std::string(10000, ' '));
  CHECK_FALSE(pending.get());
}

TEST_CASE("a refusal leads to the next server at once") {
  udp_peer server;
  auto pending = start_lookup({closed_port(), at("0.0.0.0:0"), server.address()});
  server.send(server.receive().from, car);
  check_car(pending.get());
}

TEST_CASE("nobody knows") {
  CHECK_FALSE(lookup("car", std::vector<socket_address>{}, patient));
  CHECK_FALSE(lookup("car", {closed_port(), closed_port()}, patient));
  udp_peer silent;
  CHECK_FALSE(lookup("car", {silent.address()}, hasty));
}

TEST_CASE("a name that can't be asked for is not") {
  udp_peer server;
  CHECK_FALSE(lookup("", {server.address()}, patient));
  CHECK_FALSE(lookup(std::string(513, 'n'), {server.address()}, patient));
  CHECK_FALSE(lookup("\xff", {server.address()}, patient));
  CHECK_FALSE(server.try_receive());
}

TEST_CASE("servers come from the environment, unless one was set") {
  udp_peer from_environment;
  udp_peer set;
  const auto list = " " + from_environment.address().to_string();
  ::setenv("VSOA_POS_SERVER", list.c_str(), 1);
  const auto ask = [] { return lookup("car", patient); };
  {
    auto pending = std::async(std::launch::async, ask);
    from_environment.send(from_environment.receive().from, car);
    check_car(pending.get());
  }
  set_position_server(set.address());
  {
    auto pending = std::async(std::launch::async, ask);
    set.send(set.receive().from, "{}");
    CHECK_FALSE(pending.get());  // and nobody else was asked
  }
  CHECK_FALSE(from_environment.try_receive());
  set_position_server({});
  ::unsetenv("VSOA_POS_SERVER");
}

TEST_CASE("the asynchronous form answers once, on no loop's thread nor the caller's") {
  struct place {
    std::size_t loop;
    std::thread::id thread;
  };
  std::promise<std::pair<result, place>> done;
  runtime loops;
  loops.start();
  udp_peer server;
  async_lookup(loops, "car", {closed_port(), server.address()}, patient, [&](result entry) {
    done.set_value({entry, {loops.here(), std::this_thread::get_id()}});
  });
  const auto asked = server.receive();
  server.send(asked.from, car);
  server.send(asked.from, car);
  const auto [entry, where] = done.get_future().get();
  check_car(entry);
  CHECK(where.loop == loops.size());
  CHECK(where.thread != std::this_thread::get_id());
}

TEST_CASE("an exception of the callback is logged, and the loop goes on") {
  std::atomic<int> lines = 0;
  runtime_options options;
  options.log = [&lines](log_level, std::string_view) { ++lines; };
  std::promise<void> after;
  runtime loops(options);
  loops.start();
  async_lookup(loops, "", {}, patient, [](const result&) { throw std::runtime_error("no"); });
  async_lookup(loops, "", {}, patient, [](const result&) { throw 2; });
  async_lookup(loops, "", {}, patient, [&after](const result&) { after.set_value(); });
  after.get_future().wait();
  CHECK(lines == 2);
}

TEST_CASE("many asynchronous lookups at a time") {
  constexpr int count = 200;
  std::atomic<int> found = 0;
  runtime loops;
  position_server server(loops, [](const position_query& asked, const auto& answer) {
    answer(position_entry{asked.name, {asked.local, 3005}, false});
  });
  const auto address = server.listen(at("127.0.0.1"));
  loops.start();
  server.start();
  for (int i = 0; i < count; ++i) {
    const auto name = "n" + std::to_string(i);
    async_lookup(loops, name, {address}, {position_domain::any, 2s, 5},
                 [&found, name](const result& entry) {
                   if (entry && entry->name == name) ++found;
                 });
  }
  CHECK(test::eventually([&] { return found == count; }));
}

TEST_CASE("of the time for all, a silent server leaves the next one its share") {
  udp_peer first;
  udp_peer last;
  lookup_options options = patient;  // one attempt would outlast all of it
  options.total = 6s;                // half of it must be more than a busy machine's pauses
  auto found = start_lookup({first.address(), last.address()}, options);
  first.receive();
  last.send(last.receive().from, car);
  check_car(found.get());
}

TEST_CASE("loops that end take a lookup under way with them") {
  udp_peer silent;
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> watch = held;
  {
    runtime loops;
    loops.start();
    async_lookup(loops, "car", {silent.address()}, patient,
                 [held = std::move(held)](const result&) { FAIL("called"); });
    silent.receive();
  }
  CHECK(watch.expired());
}

}  // namespace lookup_test
