// The client's machines, without sockets and without a clock.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "protocol/client_handshake.hpp"
#include "protocol/keepalive.hpp"
#include "protocol/param.hpp"
#include "protocol/pending_table.hpp"
#include "protocol/reconnect_delays.hpp"
#include "vsoa/server_url.hpp"
#include "vsoa/unique_function.hpp"

namespace client_machines_test {

using namespace vsoa;
using namespace vsoa::protocol;
using std::chrono::milliseconds;
using action = keepalive::action;

TEST_CASE("pending: an answer finds its request once, by number and type") {
  pending_table<const int*> table;
  const int one = 1;
  const int two = 2;
  const auto first = table.add(packet_type::rpc, &one);
  const auto second = table.add(packet_type::pingecho, &two);
  REQUIRE(first);
  REQUIRE(second);
  CHECK(*first != *second);
  CHECK(table.size() == 2);
  CHECK(table.take(*first, packet_type::pingecho) == nullptr);
  CHECK(table.take(*first + 0x10000U, packet_type::rpc) == nullptr);
  CHECK(table.take(*first, packet_type::rpc) == &one);
  CHECK(table.take(*first, packet_type::rpc) == nullptr);
  CHECK(table.take(*second, packet_type::pingecho) == &two);
  CHECK(table.take(0xFFFFFFFF, packet_type::rpc) == nullptr);
  CHECK(table.size() == 0);
}

TEST_CASE(
    "pending: numbers are used again only when all others have been, and never while they wait") {
  pending_table<const int*> table;
  const int stuck = 0;
  const int passing = 1;
  const auto kept = table.add(packet_type::rpc, &stuck);
  REQUIRE(kept);
  std::uint16_t last = *kept;
  for (int i = 0; i < 200000; ++i) {
    const auto number = table.add(packet_type::rpc, &passing);
    REQUIRE(number);
    REQUIRE(*number != *kept);
    REQUIRE(static_cast<std::uint16_t>(*number - last) <= 2);
    last = *number;
    REQUIRE(table.take(*number, packet_type::rpc) == &passing);
  }
  CHECK(table.take(*kept, packet_type::rpc) == &stuck);
}

TEST_CASE("pending: 65536 may wait, each with a number of its own") {
  pending_table<const int*> table;
  std::vector<int> requests(65536);
  std::set<std::uint16_t> numbers;
  for (const int& each : requests) {
    const auto number = table.add(packet_type::rpc, &each);
    REQUIRE(number);
    numbers.insert(*number);
  }
  CHECK(numbers.size() == requests.size());
  CHECK(!table.add(packet_type::rpc, &requests[0]));
  const std::uint16_t some = *numbers.begin();
  CHECK(table.take(some, packet_type::rpc) != nullptr);
  CHECK(table.add(packet_type::rpc, &requests[0]));
  CHECK(!table.add(packet_type::rpc, &requests[0]));
}

TEST_CASE("pending: the number of what was given up is not used again before the late answer") {
  pending_table<const int*> table;
  const int one = 1;
  const auto pass = [&] {
    const auto number = table.add(packet_type::rpc, &one);
    REQUIRE(number);
    REQUIRE(table.take(*number, packet_type::rpc) == &one);
    return *number;
  };
  const auto late = table.add(packet_type::rpc, &one);
  REQUIRE(late);
  table.give_up(*late);
  CHECK(table.size() == 0);
  for (int i = 0; i < 200000; ++i)
    REQUIRE(pass() != *late);
  CHECK(table.take(*late, packet_type::rpc) == nullptr);
  bool again = false;
  for (int i = 0; i < 65536; ++i)
    again = again || pass() == *late;
  CHECK(again);
}

TEST_CASE("pending: all may be given up, again and again; of too many the oldest are used again") {
  pending_table<const int*> table;
  const int one = 1;
  std::vector<std::uint16_t> numbers;
  for (int i = 0; i < 150000; ++i) {
    const auto number = table.add(packet_type::rpc, &one);
    REQUIRE(number);
    numbers.push_back(*number);
    table.give_up(*number);
  }
  const std::set<std::uint16_t> newest(numbers.end() - 32767, numbers.end());
  for (int i = 0; i < 32768; ++i) {
    const auto number = table.add(packet_type::rpc, &one);
    REQUIRE(number);
    REQUIRE(newest.count(*number) == 0);
    REQUIRE(table.take(*number, packet_type::rpc) == &one);
  }
  // Those that wait come before those that are late.
  for (int i = 0; i < 65536; ++i)
    REQUIRE(table.add(packet_type::rpc, &one));
  CHECK(!table.add(packet_type::rpc, &one));
  for (int i = 0; i < 65536; ++i)
    table.give_up(static_cast<std::uint16_t>(i));
  CHECK(table.size() == 0);
  table.forget_late();
  std::set<std::uint16_t> all;
  for (int i = 0; i < 65536; ++i)
    all.insert(*table.add(packet_type::rpc, &one));
  CHECK(all.size() == 65536);
}

TEST_CASE("numbers of requests without a wish for an answer") {
  unanswered_numbers numbers;
  CHECK(numbers.next() == 0x10000);
  CHECK(numbers.next() == 0x20000);
  for (int i = 3; i <= 0xFFFF; ++i)
    numbers.next();
  CHECK(numbers.next() == 0x10000);
}

TEST_CASE("keepalive: a ping each interval; more than max_lost without answer is the end") {
  keepalive::time now{};
  keepalive watch;
  CHECK(watch.due() == keepalive::time::max());
  watch.start({milliseconds(100), 3}, now);
  CHECK(watch.tick(now) == action::none);
  CHECK(watch.due() == now + milliseconds(100));
  const auto next = [&] { return watch.tick(now += milliseconds(100)); };
  CHECK(next() == action::ping);
  watch.answered();
  for (int i = 0; i < 4; ++i)
    CHECK(next() == action::ping);
  CHECK(next() == action::lost);
  CHECK(watch.due() == keepalive::time::max());
  watch.start({milliseconds(100), 3}, now);
  for (int i = 0; i < 4; ++i)
    CHECK(next() == action::ping);
  watch.answered();  // late, and yet
  for (int i = 0; i < 4; ++i)
    CHECK(next() == action::ping);
  CHECK(next() == action::lost);
}

TEST_CASE("keepalive: with max_lost 0 the first lost ping is the end") {
  keepalive::time now{};
  keepalive watch;
  watch.start({milliseconds(10), 0}, now);
  CHECK(watch.tick(now += milliseconds(10)) == action::ping);
  watch.answered();
  CHECK(watch.tick(now += milliseconds(10)) == action::ping);
  CHECK(watch.tick(now += milliseconds(10)) == action::lost);
}

TEST_CASE("keepalive without a limit, and without pings") {
  keepalive::time now{};
  keepalive watch;
  watch.start({milliseconds(10), {}}, now);
  for (int i = 0; i < 100; ++i)
    CHECK(watch.tick(now += milliseconds(10)) == action::ping);
  watch.start({milliseconds(0), 3}, now);
  CHECK(watch.due() == keepalive::time::max());
}

TEST_CASE("reconnecting: the first delay always, or from it up to the most, at random") {
  constexpr std::uint32_t highest = 0xFFFFFFFF;
  reconnect_delays delays;
  delays.start(milliseconds(1000), milliseconds(0));
  for (const std::uint32_t random : {0U, highest, 1U})
    CHECK(delays.next(random) == milliseconds(1000));
  delays.start(milliseconds(1000), milliseconds(30000));
  for (int round = 0; round < 2; ++round) {
    CHECK(delays.next(0) == milliseconds(1000));
    CHECK(delays.next(0) == milliseconds(1000));
    CHECK(delays.next(0) == milliseconds(2000));
    CHECK(delays.next(highest) == milliseconds(7999));
    CHECK(delays.next(0x80000000) == milliseconds(12000));
    for (int i = 0; i < 100; ++i)
      CHECK(delays.next(highest) == milliseconds(29999));
    CHECK(delays.next(0) == milliseconds(15000));
    delays.connected();
  }
}

TEST_CASE("the handshake's param") {
  CHECK(write_servinfo_param("").empty());
  const std::string password = "a\"\\\x01\n\xC3\xA4";
  CHECK(read_password(write_servinfo_param(password)) == password);
}

packet_view answer_with(std::string_view data) {
  packet_view p;
  p.flags = packet_flags::reply;
  p.payload = {"{}", std::as_bytes(std::span(data))};
  return p;
}

TEST_CASE("the handshake's answer") {
  using namespace std::string_view_literals;
  handshake_answer answer;
  connect_errc error{};
  CHECK(read_handshake(answer_with(""), answer, error) == handshake_step::done);
  CHECK(answer.info == "{}");
  CHECK(!answer.client_id);
  CHECK(read_handshake(answer_with("\0\0\0"sv), answer, error) == handshake_step::done);
  CHECK(!answer.client_id);
  CHECK(read_handshake(answer_with("\0\0\1\2\0\0"sv), answer, error) == handshake_step::done);
  CHECK(answer.client_id == 0x102U);
  CHECK(!answer.quick_port);
  CHECK(read_handshake(answer_with("\0\0\1\2\3\4\5"sv), answer, error) == handshake_step::done);
  CHECK(answer.quick_port == 0x304);
  packet_view p = answer_with("");
  p.status = 1;
  CHECK(read_handshake(p, answer, error) == handshake_step::failed);
  CHECK(error == connect_errc::invalid_password);
  p.flags = 0;
  CHECK(read_handshake(p, answer, error) == handshake_step::failed);
  CHECK(error == connect_errc::invalid_responding);
  for (const auto type : {packet_type::publish, packet_type::datagram, packet_type::qossetup}) {
    p.type = type;
    p.flags = packet_flags::reply;
    CHECK(read_handshake(p, answer, error) == handshake_step::wait);
  }
  p.type = packet_type::rpc;
  CHECK(read_handshake(p, answer, error) == handshake_step::failed);
  p.flags = 0;
  CHECK(read_handshake(p, answer, error) == handshake_step::wait);
}

TEST_CASE("URLs of servers") {
  const auto text = [](std::string_view url) {
    const auto parsed = server_url::parse(url);
    return parsed ? parsed->to_string() : "-";
  };
  CHECK(text("vsoa://cabin") == "vsoa://cabin/");
  CHECK(text("VSOA://Cabin:3005/Echo") == "vsoa://cabin:3005/Echo");
  CHECK(text("10.0.0.7:1") == "vsoa://10.0.0.7:1/");
  CHECK(text("vsoa://[FE80::1]:65535/a/b") == "vsoa://[fe80::1]:65535/a/b");
  CHECK(text("vsoa://[::1]") == "vsoa://[::1]/");
  CHECK(text("cabin/vsoa://x") == "vsoa://cabin/vsoa://x");
  for (const char* bad :
       {"", "vsoa://", "vsoa:///a", "http://x", "vsoa://x:", "vsoa://x:0", "vsoa://x:65536",
        "vsoa://x:1x", "vsoa://x:-1", "vsoa://[::1", "vsoa://[::1]x", "vsoa://[x]:1", "vsoa://::1",
        "vsoa://[1.2.3.4]:1", "vsoa://a b", "vsoa://u@h:1", "vsoa://x?y", ":1"}) {
    CAPTURE(bad);
    CHECK(text(bad) == "-");
  }
  CHECK(!server_url::parse("vsoa://" + std::string(513, 'a')));
}

TEST_CASE("unique_function: inline or not, moved, called, destroyed once") {
  struct guard {
    explicit guard(int& n) : count(&n) {}
    guard(guard&& other) noexcept : count(std::exchange(other.count, nullptr)) {}
    ~guard() {
      if (count != nullptr) ++*count;
    }
    int* count;
  };
  int gone = 0;
  {
    unique_function<int(int)> small = [g = guard(gone)](int x) { return x + 1; };
    unique_function<int(int)> large = [g = guard(gone), space = std::array<char, 200>{}](int x) {
      return x + 2 + space[0];
    };
    CHECK(small(1) == 2);
    CHECK(large(1) == 3);
    unique_function<int(int)> other = std::move(small);
    CHECK(!small);
    CHECK(other(2) == 3);
    other = std::move(large);
    CHECK(gone == 1);
    CHECK(other(2) == 4);
    CHECK(gone == 1);
  }
  CHECK(gone == 2);
}

}  // namespace client_machines_test
