#include "broker/directory.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace directory_test {

using namespace vsoa;
using namespace vsoad;
using namespace std::chrono_literals;

ip_address ip(const std::string& text) {
  const auto address = ip_address::parse(text);
  REQUIRE_MESSAGE(address, text);
  return *address;
}

socket_address at(const std::string& text) {
  const auto address = socket_address::parse(text, 0);
  REQUIRE_MESSAGE(address, text);
  return *address;
}

std::vector<socket_address> all_at(const std::vector<std::string>& texts) {
  std::vector<socket_address> result;
  for (const auto& text : texts)
    result.push_back(at(text));
  return result;
}

template <class Condition>
bool eventually(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// A machine with two networks.
std::vector<interface_address> some_addresses() {
  return {{"lo", ip("127.0.0.1")}, {"lo", ip("::1")},           {"eth0", ip("192.168.1.5")},
          {"eth0", ip("fe80::5")}, {"eth0", ip("2001:db8::5")}, {"eth1", ip("10.0.0.5")}};
}

constexpr auto any = position_domain::any;
constexpr auto inet = position_domain::inet;
constexpr auto inet6 = position_domain::inet6;

position_query query_on(const std::string& local, position_domain domain = any,
                        const std::string& name = "cabin") {
  const auto here = ip(local);
  const bool loopback = is_loopback(here);
  const auto peer = loopback ? local : here.v6 ? "2001:db8::99" : "192.168.1.99";
  return {name, domain, {ip(peer), 40000}, here};
}

std::string found(const directory_table& table, const position_query& query) {
  const auto answer = find_local(table, query, some_addresses);
  CHECK(answer.known);
  return answer.entry ? answer.entry->address.to_string() : "";
}

TEST_CASE("a service is answered with the address that the asker can reach") {
  struct row {
    std::vector<std::string> listen;
    std::string local;
    position_domain domain;
    std::string answer;
  };
  const std::vector<row> rows{
      // A wildcard is where the query arrived.
      {{"0.0.0.0:3005"}, "192.168.1.5", any, "192.168.1.5:3005"},
      {{"0.0.0.0:3005"}, "10.0.0.5", inet, "10.0.0.5:3005"},
      {{"0.0.0.0:3005"}, "127.0.0.1", any, "127.0.0.1:3005"},
      {{"0.0.0.0:3005"}, "127.0.0.2", any, "127.0.0.2:3005"},
      {{"[::]:3005"}, "2001:db8::5", any, "[2001:db8::5]:3005"},
      // With both, the family in which the query arrived, or which it asks for.
      {{"0.0.0.0:3005", "[::]:3006"}, "192.168.1.5", any, "192.168.1.5:3005"},
      {{"0.0.0.0:3005", "[::]:3006"}, "2001:db8::5", any, "[2001:db8::5]:3006"},
      {{"0.0.0.0:3005", "[::]:3006"}, "192.168.1.5", inet6, "[2001:db8::5]:3006"},
      {{"0.0.0.0:3005", "[::]:3006"}, "2001:db8::5", inet, "192.168.1.5:3005"},
      {{"0.0.0.0:3005", "[::]:3006"}, "127.0.0.1", inet6, "[::1]:3006"},
      {{"0.0.0.0:3005", "[::]:3006"}, "10.0.0.5", inet6, ""},  // eth1 has no IPv6
      // A wildcard of one family, a query that arrived in the other.
      {{"0.0.0.0:3005"}, "2001:db8::5", any, "192.168.1.5:3005"},
      {{"0.0.0.0:3005"}, "::1", any, "127.0.0.1:3005"},
      {{"0.0.0.0:3005"}, "::1", inet6, ""},
      {{"[::]:3005"}, "10.0.0.5", any, ""},
      {{"[::]:3005"}, "172.16.0.1", any, ""},  // an address that just went away
      // Single addresses: the one asked, else the first of the family.
      {{"10.0.0.5:1", "192.168.1.5:2"}, "192.168.1.5", any, "192.168.1.5:2"},
      {{"10.0.0.5:1", "192.168.1.5:2"}, "172.16.0.1", any, "10.0.0.5:1"},
      {{"10.0.0.5:1", "0.0.0.0:2"}, "192.168.1.5", any, "192.168.1.5:2"},
      {{"10.0.0.5:1", "0.0.0.0:2"}, "10.0.0.5", any, "10.0.0.5:1"},
      {{"10.0.0.5:1"}, "2001:db8::5", any, "10.0.0.5:1"},
      // Loopback is for this machine only.
      {{"127.0.0.1:1"}, "192.168.1.5", any, ""},
      {{"127.0.0.1:1", "10.0.0.5:2"}, "192.168.1.5", any, "10.0.0.5:2"},
      {{"127.0.0.1:1"}, "127.0.0.1", any, "127.0.0.1:1"},
      {{"127.0.0.1:1"}, "::1", any, "127.0.0.1:1"},
      {{"10.0.0.5:1"}, "127.0.0.1", any, "10.0.0.5:1"},
      {{}, "127.0.0.1", any, ""},
  };
  for (const auto& row : rows) {
    directory_table table;
    table.services = {{"cabin", all_at(row.listen), {}, false}};
    CAPTURE(row.local);
    CAPTURE(row.answer);
    CAPTURE(static_cast<int>(row.domain));
    CHECK(found(table, query_on(row.local, row.domain)) == row.answer);
  }
}

TEST_CASE("one who asks at an address of his own machine may be told its loopback") {
  directory_table table;
  table.services = {{"cabin", all_at({"127.0.0.1:1"}), {}, false}};
  auto query = query_on("192.168.1.5");
  query.peer.ip = query.local;
  CHECK(found(table, query) == "127.0.0.1:1");
}

TEST_CASE("an advertised address is given instead, in its family") {
  directory_table table;
  table.services = {{"cabin", all_at({"0.0.0.0:1", "[::]:2"}), ip("203.0.113.7"), true}};
  CHECK(found(table, query_on("192.168.1.5")) == "203.0.113.7:1");
  CHECK(found(table, query_on("2001:db8::5")) == "203.0.113.7:1");
  CHECK(found(table, query_on("127.0.0.1", inet)) == "203.0.113.7:1");
  CHECK(found(table, query_on("2001:db8::5", inet6)) == "[2001:db8::5]:2");
  table.services.front().advertise = ip("2001:db8::7");
  table.services.front().listen = all_at({"0.0.0.0:1"});
  CHECK(found(table, query_on("192.168.1.5")) == "[2001:db8::7]:1");
  CHECK(find_local(table, query_on("192.168.1.5"), some_addresses).entry->secure);
}

TEST_CASE("names, families and order") {
  directory_table table;
  table.entries = {{"Legacy", at("10.0.0.9:1"), true},
                   {"legacy", at("10.0.0.9:2"), false},
                   {"LEGACY", at("[2001:db8::9]:3"), false},
                   {"both", at("10.0.0.9:4"), false}};
  table.services = {{"both", all_at({"0.0.0.0:5", "[::]:6"}), {}, false}};
  CHECK(found(table, query_on("10.0.0.5", any, "lEGACy")) == "10.0.0.9:1");
  CHECK(found(table, query_on("10.0.0.5", inet6, "legacy")) == "[2001:db8::9]:3");
  CHECK(found(table, query_on("127.0.0.1", any, "both")) == "10.0.0.9:4");
  CHECK(found(table, query_on("127.0.0.1", inet6, "both")) == "[::1]:6");
  CHECK_FALSE(find_local(table, query_on("10.0.0.5", any, "legac"), some_addresses).known);
  CHECK_FALSE(find_local(table, query_on("10.0.0.5", any, "legacyy"), some_addresses).known);
  const auto other = find_local(table, query_on("10.0.0.5", inet6, "legacy"), some_addresses);
  CHECK(other.entry->name == "LEGACY");
}

TEST_CASE("an upstream that is this daemon is not asked") {
  struct row {
    std::vector<std::string> listen;
    std::vector<std::string> upstream;
    std::size_t usable;
  };
  const std::vector<row> rows{
      {{"0.0.0.0:54"}, {"127.0.0.1:54", "127.0.0.9:54", "192.168.1.5:54", "0.0.0.0:54"}, 0},
      {{"0.0.0.0:54"}, {"127.0.0.1:55", "192.168.1.6:54", "[::1]:54"}, 3},
      {{"[::]:54"}, {"[::1]:54", "[2001:db8::5]:54", "127.0.0.1:54"}, 1},
      {{"192.168.1.5:54"}, {"192.168.1.5:54", "127.0.0.1:54", "10.0.0.1:54"}, 2},
      {{"127.0.0.1:54"}, {"0.0.0.0:54"}, 0},
      {{}, {"127.0.0.1:54"}, 1},
  };
  for (const auto& row : rows) {
    directory_table table;
    table.listen = all_at(row.listen);
    table.upstream = all_at(row.upstream);
    CHECK(usable_upstream(table, some_addresses()).size() == row.usable);
  }
}

TEST_CASE("this machine has a loopback address") {
  const auto addresses = interface_addresses();
  CHECK(std::any_of(addresses.begin(), addresses.end(),
                    [](const auto& entry) { return is_loopback(entry.ip); }));
}

// A position server with a directory, and the upstream server that it asks.
struct fixture {
  explicit fixture(position_server::query_callback upstream_callback,
                   directory_options options = patient())
      : upstream(loops, std::move(upstream_callback)),
        names(loops, std::move(options)),
        server(loops, [this](const position_query& query, position_server::answer reply) {
          names.answer(query, std::move(reply));
        }) {
    upstream_address = upstream.listen(at("127.0.0.1"));
    address = server.listen(at("127.0.0.1"));
    directory_table table;
    table.entries = {{"legacy", at("10.0.0.9:1"), false}};
    table.upstream = {upstream_address};
    table.listen = {address};
    names.update(table);
    loops.start();
    upstream.start();
    server.start();
  }

  static directory_options patient() {
    directory_options options;
    options.upstream.timeout = 60s;
    return options;
  }

  std::future<std::optional<position_entry>> ask(const std::string& name) {
    return std::async(std::launch::async, [this, name] {
      return lookup(name, {address}, {any, 60s, 1});
    });
  }

  runtime loops;
  position_server upstream;
  directory names;
  position_server server;
  socket_address upstream_address;
  socket_address address;
};

TEST_CASE("unknown names are asked of upstream, known ones are not") {
  std::atomic<int> asked = 0;
  fixture f([&asked](const position_query& query, const position_server::answer& reply) {
    ++asked;
    if (query.name != "Far") return reply({});
    reply(position_entry{"far", at("10.0.0.7:7"), true});
  });
  CHECK(f.ask("LEGACY").get()->address.to_string() == "10.0.0.9:1");
  CHECK(asked == 0);
  const auto far = f.ask("Far").get();
  REQUIRE(far);
  CHECK(far->address.to_string() == "10.0.0.7:7");
  CHECK(far->secure);
  CHECK_FALSE(f.ask("nowhere").get());
  CHECK(asked == 2);
  const auto stats = f.names.stats();
  CHECK(stats.local == 1);
  CHECK(stats.unknown == 1);
  CHECK(stats.forwarded == 2);
}

TEST_CASE("what this daemon asks itself: here, upstream, and where all look") {
  std::atomic<int> asked = 0;
  fixture f([&asked](const position_query& query, const position_server::answer& reply) {
    ++asked;
    if (query.name == "far") return reply(position_entry{"far", at("10.0.0.7:7"), true});
    reply({});
  });
  runtime elsewhere;
  position_server last(elsewhere,
                       [](const position_query& query, const position_server::answer& reply) {
                         reply(position_entry{query.name, at("10.0.0.8:8"), false});
                       });
  set_position_server(last.listen(at("127.0.0.1:0")));
  elsewhere.start();
  last.start();
  const auto find = [&](const char* name) {
    std::promise<std::optional<position_entry>> found;
    f.names.find(name, any, [&](const std::optional<position_entry>& e) { found.set_value(e); });
    return found.get_future().get();
  };
  CHECK(find("LEGACY")->address.to_string() == "10.0.0.9:1");
  CHECK(asked == 0);
  CHECK(find("far")->address.to_string() == "10.0.0.7:7");
  CHECK(find("nowhere here")->address.to_string() == "10.0.0.8:8");
  CHECK(asked == 2);
  set_position_server({});
  last.stop();
}

TEST_CASE("what this daemon asks itself: silence upstream leaves time for where all look") {
  auto options = fixture::patient();
  options.find_total = 6s;
  std::vector<position_server::answer> kept;
  fixture f([&](const position_query&, position_server::answer reply) { kept.push_back(reply); },
            options);
  runtime elsewhere;
  position_server last(elsewhere,
                       [](const position_query& query, const position_server::answer& reply) {
                         reply(position_entry{query.name, at("10.0.0.8:8"), false});
                       });
  set_position_server(last.listen(at("127.0.0.1:0")));
  elsewhere.start();
  last.start();
  std::promise<std::optional<position_entry>> found;
  f.names.find("far", any, [&](const std::optional<position_entry>& e) { found.set_value(e); });
  const auto entry = found.get_future().get();
  REQUIRE(entry);
  CHECK(entry->address.to_string() == "10.0.0.8:8");
  set_position_server({});
  last.stop();
}

TEST_CASE("what this daemon asks itself: those who look for one name at a time ask once") {
  std::mutex mutex;
  std::vector<position_server::answer> replies;
  fixture f([&](const position_query&, position_server::answer reply) {
    const std::lock_guard lock(mutex);
    replies.push_back(std::move(reply));
  });
  std::vector<std::promise<std::optional<position_entry>>> found(4);
  for (auto& each : found)
    f.names.find("far", any, [&](const std::optional<position_entry>& e) { each.set_value(e); });
  REQUIRE(eventually([&] {
    const std::lock_guard lock(mutex);
    return !replies.empty();
  }));
  replies[0](position_entry{"far", at("10.0.0.7:7"), false});
  for (auto& each : found)
    CHECK(each.get_future().get()->address.to_string() == "10.0.0.7:7");
  CHECK(replies.size() == 1);
}

TEST_CASE("queries for one name share a lookup") {
  std::mutex mutex;
  std::vector<position_server::answer> replies;
  fixture f([&](const position_query&, position_server::answer reply) {
    const std::lock_guard lock(mutex);
    replies.push_back(std::move(reply));
  });
  std::vector<std::future<std::optional<position_entry>>> pending;
  for (int i = 0; i < 8; ++i)
    pending.push_back(f.ask("far"));
  REQUIRE(eventually([&] { return f.names.stats().shared == 7; }));
  REQUIRE(eventually([&] {
    const std::lock_guard lock(mutex);
    return replies.size() == 1;
  }));
  replies[0](position_entry{"far", at("10.0.0.7:7"), false});
  for (auto& entry : pending)
    CHECK(entry.get()->address.to_string() == "10.0.0.7:7");
  CHECK(f.names.stats().forwarded == 1);
}

TEST_CASE("lookups under way are bounded, and a directory may go while they are") {
  auto options = fixture::patient();
  options.max_lookups = 2;
  std::mutex mutex;
  std::vector<position_server::answer> replies;
  fixture f(
      [&](const position_query&, position_server::answer reply) {
        const std::lock_guard lock(mutex);
        replies.push_back(std::move(reply));
      },
      options);
  for (const auto* name : {"a", "b", "c"}) {
    async_lookup(f.loops, name, {f.address}, {any, 60s, 1}, [](const auto&) {});
  }
  CHECK(eventually([&] { return f.names.stats().overloaded == 1; }));
  CHECK(f.names.stats().forwarded == 2);
}

TEST_CASE("nobody is asked when the only upstream is this daemon itself") {
  fixture f([](const position_query&, const position_server::answer&) {});
  directory_table table;
  table.listen = {f.address};
  table.upstream = {f.address};
  f.names.update(table);
  CHECK_FALSE(f.ask("far").get());
  CHECK_FALSE(f.ask("legacy").get());
  CHECK(f.names.stats().forwarded == 0);
}

TEST_CASE("two daemons that are each other's upstream come to an end") {
  directory_options options;
  options.upstream.timeout = 20ms;
  runtime loops;
  directory first(loops, options);
  directory second(loops, options);
  position_server first_server(loops, [&](const position_query& query, auto reply) {
    first.answer(query, std::move(reply));
  });
  position_server second_server(loops, [&](const position_query& query, auto reply) {
    second.answer(query, std::move(reply));
  });
  const auto first_address = first_server.listen(at("127.0.0.1"));
  const auto second_address = second_server.listen(at("127.0.0.1"));
  directory_table table;
  table.upstream = {second_address};
  first.update(table);
  table.upstream = {first_address};
  second.update(table);
  loops.start();
  first_server.start();
  second_server.start();
  CHECK_FALSE(lookup("nobody", {first_address}, {any, 60s, 1}));
  CHECK(first.stats().forwarded < 10);
}

}  // namespace directory_test
