// Topics: datagrams relayed to subscribers, values retained for new ones, streams thinned.
#include <doctest/doctest.h>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace topics_test {

using namespace vsoa_test;

const std::string topics = R"(    topics:
      /relay/: { relay: true }
      /kept/: { relay: true, retain: last }
      /plugin/: { retain: last }
      /thin/: { relay: true, max_rate: 20 }
)";

struct fixture {
  daemon_runner vsoad{one_service(topics)};
  tcp_peer sender{vsoad.service()};
  tcp_peer receiver{vsoad.service()};

  fixture() {
    sender.handshake();
    receiver.handshake();
  }
  void listen(const std::string& url) {
    CHECK(receiver.ask(subscribe(1, url)).status == status_success);
  }
  /// Everything that the sender sent before has been handled when its ping is answered.
  void settle() { CHECK(sender.ask_for_reply(ping(2)).status == status_success); }
};

TEST_CASE_FIXTURE(fixture, "a datagram to a relay topic is published to its subscribers") {
  listen("/relay/a");
  sender.send(datagram("/relay/b", "1"));
  sender.send(datagram("/relay/a", "{\"v\":2}", "bytes"));
  const packet got = receiver.read();
  CHECK(got.type == type_publish);
  CHECK(got.flags == 0);
  CHECK(got.seqno == 0);
  CHECK(got.url == "/relay/a");
  CHECK(got.param == "{\"v\":2}");
  CHECK(got.data == "bytes");
  CHECK(receiver.silent());
}

TEST_CASE_FIXTURE(fixture, "a datagram elsewhere goes to nobody") {
  listen("/");
  for (const char* url : {"/other", "/relayed/x", "relay/a", ""})
    sender.send(datagram(url, "1"));
  settle();
  CHECK(receiver.silent());
}

TEST_CASE_FIXTURE(fixture, "a sender that subscribed hears itself once") {
  CHECK(sender.ask(subscribe(3, "", R"(["/relay/", "/relay/a"])")).status == status_success);
  sender.send(datagram("/relay/a", "1"));
  CHECK(sender.read().url == "/relay/a");
  CHECK(sender.silent());
}

TEST_CASE_FIXTURE(fixture, "relayed datagrams keep their order") {
  listen("/relay/");
  std::string burst;
  for (int i = 0; i < 200; ++i)
    burst += datagram("/relay/n", std::to_string(i)).bytes();
  sender.send(burst);
  for (int i = 0; i < 200; ++i)
    REQUIRE(receiver.read().param == std::to_string(i));
}

TEST_CASE_FIXTURE(fixture, "the last value is handed to a new subscriber, after the reply") {
  for (const char* value : {"1", "2", "3"})
    sender.send(datagram("/kept/x", value, "d"));
  sender.send(datagram("/kept/y", "9"));
  sender.send(datagram("/relay/x", "8"));
  settle();
  receiver.send(subscribe(7, "/kept/x"));
  CHECK(receiver.read().type == type_subscribe);
  const packet got = receiver.read();
  CHECK(got.type == type_publish);
  CHECK(got.url == "/kept/x");
  CHECK(got.param == "3");
  CHECK(got.data == "d");
  CHECK(receiver.ask(subscribe(8, "/relay/x")).type == type_subscribe);
  CHECK(receiver.silent());
}

TEST_CASE_FIXTURE(fixture, "a subscription to a subtree is handed each of its values") {
  for (const char* url : {"/kept", "/kept/x", "/kept/x/y"})
    sender.send(datagram(url, "1"));
  settle();
  receiver.send(subscribe(7, "", R"(["/kept/", "/kept/x"])"));
  CHECK(receiver.read().type == type_subscribe);
  std::vector<std::string> urls;
  for (int i = 0; i < 3; ++i)
    urls.push_back(receiver.read().url);
  std::sort(urls.begin(), urls.end());
  CHECK(urls == std::vector<std::string>{"/kept", "/kept/x", "/kept/x/y"});
  CHECK(receiver.silent());
}

TEST_CASE_FIXTURE(fixture, "what a plugin publishes is retained too") {
  CHECK(sender.ask(rpc(1, "/publish", "\"/plugin/v\"", "first")).status == status_success);
  CHECK(sender.ask(rpc(2, "/publish", "\"/plugin/v\"", "second")).status == status_success);
  receiver.send(subscribe(3, "/plugin/v"));
  CHECK(receiver.read().type == type_subscribe);
  CHECK(receiver.read().data == "second");
}

TEST_CASE_FIXTURE(fixture, "max_rate thins a stream and always delivers the newest") {
  listen("/thin/");
  const auto begin = test_clock::now();
  for (int i = 1; i <= 300; ++i)
    sender.send(datagram("/thin/a", std::to_string(i)));
  sender.send(datagram("/thin/b", "1"));
  settle();
  std::size_t count = 0;
  bool other = false;
  for (packet got = receiver.read();; got = receiver.read()) {
    if (got.url == "/thin/b") {
      other = true;  // a URL of its own is thinned on its own
      continue;
    }
    ++count;
    if (got.param == "300") break;
  }
  const std::chrono::duration<double> took = test_clock::now() - begin;
  // 20 a second, the first at once; one more for where the last interval begins.
  CHECK(static_cast<double>(count) <= took.count() * 20 + 2);
  CHECK(count >= 2);
  CHECK((other || receiver.read().url == "/thin/b"));
  CHECK(receiver.silent());
}

TEST_CASE_FIXTURE(fixture, "a slow stream is not thinned") {
  listen("/thin/");
  for (int i = 1; i <= 3; ++i) {
    sender.send(datagram("/thin/a", std::to_string(i)));
    CHECK(receiver.read().param == std::to_string(i));
    CHECK(receiver.silent(milliseconds{60}));
  }
}

}  // namespace topics_test
