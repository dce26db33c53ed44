// on_interest: the first subscriber of a pattern and the last, whatever makes them come and go.
#include <doctest/doctest.h>

#include <mutex>

#include "test_server.hpp"

namespace interest_test {

using namespace vsoa_test;

using events = std::vector<std::string>;

struct watched {
  std::mutex mutex;
  events seen;
  test_server server;  // last: it tells until it is gone

  explicit watched(vsoa::server_options options = {}, std::size_t loops = 1)
      : server(std::move(options), loops) {
    server->on_interest([this](std::string_view pattern, bool wanted) {
      const std::lock_guard lock(mutex);
      seen.push_back((wanted ? "+" : "-") + std::string(pattern));
    });
    server.start();
  }
  std::size_t count() {
    const std::lock_guard lock(mutex);
    return seen.size();
  }
  events take() {
    const std::lock_guard lock(mutex);
    return std::exchange(seen, {});
  }
};

TEST_CASE("the first subscriber and the last") {
  watched w;
  tcp_peer a = w.server.client();
  tcp_peer b = w.server.client();
  subscribe_to(a, "/x/");
  CHECK(w.take() == events{"+/x/"});
  subscribe_to(b, "/x/");
  subscribe_to(b, "/x/");
  CHECK(w.take().empty());
  a.ask(unsubscribe(1, "/x/"));
  CHECK(w.take().empty());
  b.ask(unsubscribe(1, {}));
  CHECK(w.take() == events{"-/x/"});
  a.ask(subscribe(2, {}, R"(["/1","/2"])"));
  CHECK(w.take() == events{"+/1", "+/2"});
}

TEST_CASE("a session that ends takes its interest along, shaken hands or not") {
  watched w;
  tcp_peer a = w.server.client();
  subscribe_to(a, "/shared");
  {
    tcp_peer early = w.server.connect();
    subscribe_to(early, "/shared");
    subscribe_to(early, "/alone");
    CHECK(w.take() == events{"+/shared", "+/alone"});
  }
  CHECK(wait_until([&] { return w.count() == 1; }));
  CHECK(w.take() == events{"-/alone"});
  a.close();
  CHECK(wait_until([&] { return w.count() == 1; }));
  CHECK(w.take() == events{"-/shared"});
}

TEST_CASE("what a limit undoes is undone") {
  vsoa::server_options options;
  options.limits.subscriptions = 1;
  watched w(options);
  tcp_peer a = w.server.client();
  CHECK(a.ask(subscribe(1, {}, R"(["/1","/2"])")).status == status_no_memory);
  CHECK(w.take() == events{"+/1", "+/2", "-/1", "-/2"});
}

TEST_CASE("each loop tells for itself") {
  watched w({}, 2);
  std::vector<tcp_peer> peers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(w.server.client());
    subscribe_to(peers.back(), "/x");
  }
  CHECK(w.take() == events{"+/x", "+/x"});
  peers.clear();
  CHECK(wait_until([&] { return w.count() == 2; }));
}

}  // namespace interest_test
