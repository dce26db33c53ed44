#include "vsoa/event_emitter.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace event_emitter_test {

using vsoa::event;
using vsoa::event_emitter;
using vsoa::listener_id;
using names = std::vector<std::string>;

const event<> tick("tick");
const event<int, std::string_view> moved("moved");

TEST_CASE("listeners run in the order of installation, with the arguments") {
  event_emitter emitter;
  names seen;
  CHECK(emitter.on(moved, [&](int by, std::string_view unit) {
    seen.push_back("a" + std::to_string(by) + std::string(unit));
  }) != 0);
  CHECK(emitter.add_listener(moved, [&](int by, std::string_view) {
    seen.push_back("b" + std::to_string(by));
  }) != 0);
  emitter.on(moved, [&](int, std::string_view) { seen.push_back("c"); });
  CHECK(emitter.emit(moved, 5, "m"));
  CHECK(seen == names{"a5m", "b5", "c"});
}

TEST_CASE("without listeners emit says so") {
  event_emitter emitter;
  CHECK_FALSE(emitter.emit(tick));
  const listener_id id = emitter.on(tick, [] {});
  CHECK(emitter.emit(tick));
  CHECK(emitter.remove_listener(tick, id));
  CHECK_FALSE(emitter.emit(tick));
}

TEST_CASE("arguments by reference reach the emitter's caller, and each listener sees the same") {
  event_emitter emitter;
  const event<int&, std::unique_ptr<int>&> given("given");
  emitter.on(given, [](int& sum, std::unique_ptr<int>& more) { sum += *more; });
  emitter.on(given, [](int& sum, std::unique_ptr<int>& more) { sum += *more; });
  int sum = 1;
  auto more = std::make_unique<int>(10);
  CHECK(emitter.emit(given, sum, more));
  CHECK(sum == 21);

  const event<std::string> text("text");
  names seen;
  for (int i = 0; i < 2; ++i)
    emitter.on(text, [&](std::string s) { seen.push_back(std::move(s)); });
  CHECK(emitter.emit(text, "x"));
  CHECK(seen == names{"x", "x"});
}

TEST_CASE("one name with other arguments is another event") {
  event_emitter emitter;
  const event<int> numbers("same");
  const event<std::string> texts("same");
  int number = 0;
  emitter.on(numbers, [&](int n) { number = n; });
  CHECK_FALSE(emitter.emit(texts, "7"));
  CHECK(emitter.listener_count(texts) == 0);
  CHECK(emitter.emit(event<int>("same"), 7));
  CHECK(number == 7);
}

TEST_CASE("one listener twice is two installations") {
  event_emitter emitter;
  int runs = 0;
  const auto listener = [&] { ++runs; };
  const listener_id first = emitter.on(tick, listener);
  const listener_id second = emitter.on(tick, listener);
  CHECK(first != second);
  CHECK(emitter.listener_count(tick) == 2);
  CHECK(emitter.listeners(tick) == std::vector{first, second});
  emitter.emit(tick);
  CHECK(runs == 2);
  CHECK(emitter.remove_listener(tick, first));
  CHECK_FALSE(emitter.remove_listener(tick, first));
  CHECK_FALSE(emitter.remove_listener(moved, second));
  emitter.emit(tick);
  CHECK(runs == 3);
}

TEST_CASE("once runs once, and is removed before it runs") {
  event_emitter emitter;
  int runs = 0;
  const listener_id id = emitter.once(tick, [&] {
    ++runs;
    CHECK(emitter.listener_count(tick) == 0);
    CHECK_FALSE(emitter.emit(tick));
  });
  CHECK(emitter.listeners(tick) == std::vector{id});
  CHECK(emitter.emit(tick));
  CHECK_FALSE(emitter.emit(tick));
  CHECK(runs == 1);
}

TEST_CASE("removing all of one event, and of all") {
  event_emitter emitter;
  emitter.on(tick, [] {});
  emitter.on(tick, [] {});
  emitter.on(moved, [](int, std::string_view) {});
  CHECK(emitter.remove_listener(tick));
  CHECK_FALSE(emitter.remove_listener(tick));
  CHECK(emitter.listener_count(tick) == 0);
  CHECK(emitter.listener_count(moved) == 1);
  emitter.on(tick, [] {});
  emitter.remove_all_listeners(moved);
  CHECK(emitter.listener_count(moved) == 0);
  CHECK(emitter.listener_count(tick) == 1);
  emitter.remove_all_listeners();
  CHECK(emitter.listener_count(tick) == 0);
  emitter.remove_all_listeners();
}

TEST_CASE("a listener installed during emit is first called by the next") {
  event_emitter emitter;
  int late = 0;
  emitter.once(tick, [&] { emitter.on(tick, [&] { ++late; }); });
  emitter.emit(tick);
  CHECK(late == 0);
  emitter.emit(tick);
  CHECK(late == 1);
}

TEST_CASE("a listener removed during emit does not begin") {
  event_emitter emitter;
  names seen;
  listener_id self = 0;
  listener_id next = 0;
  self = emitter.on(tick, [&] {
    seen.push_back("self");
    CHECK(emitter.remove_listener(tick, self));
    CHECK(emitter.remove_listener(tick, next));
  });
  next = emitter.on(tick, [&] { seen.push_back("next"); });
  emitter.on(tick, [&] { seen.push_back("last"); });
  emitter.emit(tick);
  CHECK(seen == names{"self", "last"});
  emitter.once(tick, [&] { emitter.remove_all_listeners(); });
  emitter.on(tick, [&] { seen.push_back("never"); });
  emitter.emit(tick);
  CHECK(seen == names{"self", "last", "last"});
}

TEST_CASE("what a listener throws leaves emit, and nothing is broken") {
  event_emitter emitter;
  int runs = 0;
  emitter.once(tick, [] { throw std::runtime_error("oops"); });
  emitter.on(tick, [&] { ++runs; });
  CHECK_THROWS_AS(emitter.emit(tick), std::runtime_error);
  CHECK(runs == 0);
  CHECK(emitter.emit(tick));
  CHECK(runs == 1);
}

TEST_CASE("installation and removal are told, and only by the emitter itself") {
  event_emitter emitter;
  names seen;
  const auto teller = [&](std::string what) {
    return [&, what](std::string_view name, listener_id id) {
      seen.push_back(what + ":" + std::string(name) + ":" +
                     std::to_string(emitter.listener_count(tick)));
      CHECK(id != 0);
    };
  };
  emitter.on(event_emitter::new_listener(), teller("new"));
  emitter.on(event_emitter::listener_removed(), teller("gone"));
  CHECK(seen == names{"new:remove_listener:0"});
  seen.clear();
  const listener_id id = emitter.on(tick, [] {});
  emitter.once(tick, [] {});
  CHECK(seen == names{"new:tick:0", "new:tick:1"});
  seen.clear();
  emitter.emit(tick);
  emitter.remove_listener(tick, id);
  CHECK(seen == names{"gone:tick:1", "gone:tick:0"});
  seen.clear();
  CHECK_FALSE(emitter.emit(event_emitter::new_listener(), "tick", 1));
  CHECK_FALSE(emitter.emit(event_emitter::listener_removed(), "tick", 1));
  CHECK_FALSE(emitter.emit(event<>("new_listener")));
  CHECK(emitter.on(event<int>("remove_listener"), [](int) {}) == 0);
  CHECK(seen.empty());
  emitter.on(tick, [] {});
  seen.clear();
  emitter.remove_all_listeners();
  CHECK(seen == names{"gone:tick:0", "gone:new_listener:0"});
}

TEST_CASE("the ids that are told are those that were given") {
  event_emitter emitter;
  std::vector<listener_id> added;
  std::vector<listener_id> removed;
  emitter.on(event_emitter::new_listener(),
             [&](std::string_view, listener_id id) { added.push_back(id); });
  emitter.on(event_emitter::listener_removed(),
             [&](std::string_view, listener_id id) { removed.push_back(id); });
  added.clear();
  std::vector<listener_id> given;
  for (int i = 0; i < 3; ++i)
    given.push_back(emitter.on(tick, [] {}));
  CHECK(added == given);
  emitter.remove_all_listeners(tick);
  CHECK(removed == given);
}

TEST_CASE("an empty function is not installed") {
  event_emitter emitter;
  CHECK(emitter.on(tick, {}) == 0);
  CHECK(emitter.once(tick, std::function<void()>()) == 0);
  CHECK(emitter.listener_count(tick) == 0);
}

TEST_CASE("a listener may destroy the emitter") {
  auto emitter = std::make_unique<event_emitter>();
  int behind = 0;
  emitter->on(tick, [&] { emitter.reset(); });
  emitter->once(tick, [&] { ++behind; });
  emitter->on(tick, [&] { ++behind; });
  event_emitter& alias = *emitter;
  CHECK(alias.emit(tick));
  CHECK(behind == 0);
}

TEST_CASE("a removed listener's captures go at once, and may use the emitter") {
  event_emitter emitter;
  struct user {
    explicit user(event_emitter& e) : of(e) {}
    event_emitter& of;
    ~user() { CHECK(of.listener_count(tick) == 0); }
  };
  auto held = std::make_shared<user>(emitter);
  const std::weak_ptr<user> watch = held;
  const listener_id id = emitter.on(tick, [h = std::move(held)] {});
  CHECK(emitter.remove_listener(tick, id));
  CHECK(watch.expired());
}

TEST_CASE("users may inherit") {
  struct engine : event_emitter {
    engine() {
      on(moved, [this](int by, std::string_view) { distance += by; });
    }
    int distance = 0;
  };
  engine e;
  CHECK(e.emit(moved, 3, "m"));
  CHECK(e.distance == 3);
}

TEST_CASE("many threads install, remove and emit; once runs once") {
  event_emitter emitter;
  std::atomic<int> runs = 0;
  std::atomic<int> single = 0;
  for (int round = 0; round < 50; ++round) {
    emitter.once(tick, [&] { ++single; });
    std::vector<std::jthread> threads;
    for (int t = 0; t < 3; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) {
          const listener_id id = emitter.on(tick, [&] { ++runs; });
          emitter.emit(tick);
          CHECK(emitter.remove_listener(tick, id));
        }
      });
    }
  }
  CHECK(single == 50);
  CHECK(runs >= 50 * 3 * 20);
  CHECK(emitter.listener_count(tick) == 0);
}

}  // namespace event_emitter_test
