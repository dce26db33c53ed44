// SUBSCRIBE and UNSUBSCRIBE in all their forms, and which publishes they bring.
#include <doctest/doctest.h>

#include "daemon_runner.hpp"
#include "peer.hpp"

namespace subscribe_test {

using namespace vsoa_test;

/// Has the echo plugin publish on `url`; the request's reply comes after the publish.
void publish_on(tcp_peer& publisher, const std::string& url, const std::string& data = "d") {
  const packet reply = publisher.ask(rpc(1, "/publish", "\"" + url + "\"", data));
  CHECK(reply.status == status_success);
}

/// How many copies of a publish on `url` the subscriber gets. A second publish marks the end: it
/// goes the same way, whatever the loops.
int copies(tcp_peer& publisher, tcp_peer& subscriber, const std::string& url) {
  static std::uint32_t marks = 1000;
  const std::string mark = "/mark/" + std::to_string(++marks);
  CHECK(subscriber.ask_for_reply(subscribe(marks, mark)).status == status_success);
  publish_on(publisher, url);
  publish_on(publisher, mark);
  int count = 0;
  for (packet got = subscriber.read(); got.url != mark; got = subscriber.read()) {
    CHECK(got.type == type_publish);
    CHECK(got.flags == 0);
    CHECK(got.status == 0);
    CHECK(got.seqno == 0);
    CHECK(got.url == url);
    CHECK(got.data == "d");
    ++count;
  }
  CHECK(subscriber.ask_for_reply(unsubscribe(marks, mark)).status == status_success);
  return count;
}

struct fixture {
  daemon_runner vsoad{one_service()};
  tcp_peer publisher{vsoad.service()};
  tcp_peer subscriber{vsoad.service()};

  fixture() {
    publisher.handshake();
    subscriber.handshake();
  }

  std::uint8_t sub(const std::string& url, const std::string& param = {}) {
    const packet reply = subscriber.ask(subscribe(5, url, param));
    CHECK(reply.type == type_subscribe);
    CHECK(reply.flags == flag_reply);
    CHECK(reply.seqno == 5);
    CHECK(reply.url.empty());
    CHECK(reply.param.empty());
    CHECK(reply.data.empty());
    return reply.status;
  }
  std::uint8_t unsub(const std::string& url, const std::string& param = {}) {
    const packet reply = subscriber.ask(unsubscribe(6, url, param));
    CHECK(reply.type == type_unsubscribe);
    CHECK(reply.seqno == 6);
    return reply.status;
  }
  int count(const std::string& url) { return copies(publisher, subscriber, url); }
};

TEST_CASE_FIXTURE(fixture, "which publishes a subscription takes") {
  CHECK(sub("/a/b") == status_success);
  CHECK(count("/a/b") == 1);
  for (const char* other : {"/a/b/", "/a/b/c", "/a", "/a/bb", "/A/b"})
    CHECK(count(other) == 0);
  CHECK(unsub("/a/b") == status_success);
  CHECK(count("/a/b") == 0);

  CHECK(sub("/a/") == status_success);
  for (const char* taken : {"/a", "/a/", "/a/b", "/a/b/c/d"})
    CHECK(count(taken) == 1);
  for (const char* other : {"/", "/ab", "/b/a"})
    CHECK(count(other) == 0);
  CHECK(unsub("/a/") == status_success);

  CHECK(sub("/") == status_success);
  for (const char* taken : {"/", "/x", "/x/y/", "/é"})
    CHECK(count(taken) == 1);
}

TEST_CASE_FIXTURE(fixture, "a publish that several subscriptions match comes once") {
  CHECK(sub("", R"(["/a/", "/a/b", "/", "/a/b"])") == status_success);
  CHECK(sub("/a/b") == status_success);
  CHECK(count("/a/b") == 1);
  CHECK(unsub("/a/b") == status_success);
  CHECK(count("/a/b") == 1);
}

TEST_CASE_FIXTURE(fixture, "subscribing: what is accepted and what is refused") {
  CHECK(sub("/ok") == status_success);
  CHECK(sub("/ok") == status_success);
  CHECK(sub("no-slash") == status_arguments);
  CHECK(sub("") == status_arguments);
  for (const char* param : {"{}", "{\"url\":\"/x\"}", "\"/x\"", "7", "null", "true", "[1]"})
    CHECK(sub("", param) == status_arguments);
  CHECK(sub("", "[]") == status_success);
  CHECK(sub("", R"(["/x", "bad", "/y"])") == status_arguments);
  CHECK(sub("", R"(["/x", ""])") == status_arguments);
  CHECK(sub("", R"(["/x", null])") == status_arguments);
  for (const char* url : {"/x", "/y"})
    CHECK(count(url) == 0);
  CHECK(count("/ok") == 1);
}

TEST_CASE_FIXTURE(fixture, "a URL wins over a list") {
  CHECK(sub("/single", R"(["/listed"])") == status_success);
  CHECK(count("/single") == 1);
  CHECK(count("/listed") == 0);
}

TEST_CASE_FIXTURE(fixture, "lists may use every way to write JSON") {
  CHECK(sub("", " [ \"\\/esc\\/x\" ,\n\t\"/\\u00e9\", \"/\\ud83d\\ude00\" ] ") == status_success);
  CHECK(count("/esc/x") == 1);
  CHECK(count("/é") == 1);
  CHECK(count("/😀") == 1);
}

TEST_CASE_FIXTURE(fixture, "unsubscribing: one, a list, all, and what changes nothing") {
  const std::string all = R"(["/a", "/b", "/c/"])";
  CHECK(sub("", all) == status_success);
  CHECK(unsub("/never") == status_success);
  CHECK(unsub("no-slash") == status_arguments);
  CHECK(unsub("", "[]") == status_success);
  for (const char* url : {"/a", "/b", "/c/d"})
    CHECK(count(url) == 1);
  CHECK(unsub("", R"(["/a", "/c/", "/never"])") == status_success);
  CHECK(count("/a") == 0);
  CHECK(count("/b") == 1);
  CHECK(count("/c/d") == 0);
  CHECK(unsub("") == status_success);
  CHECK(count("/b") == 0);
  CHECK(sub("", all) == status_success);
  CHECK(unsub("", "null") == status_success);
  CHECK(count("/a") == 0);
}

TEST_CASE_FIXTURE(fixture, "the reply precedes what the subscription brings") {
  subscriber.send(subscribe(1, "/self").bytes() + rpc(2, "/publish", "\"/self\"", "now").bytes());
  CHECK(subscriber.read().type == type_subscribe);
  CHECK(subscriber.read().type == type_publish);
  CHECK(subscriber.read().type == type_rpc);
}

TEST_CASE_FIXTURE(fixture, "subscriptions end with the session") {
  CHECK(sub("/a") == status_success);
  subscriber = tcp_peer{vsoad.service()};
  subscriber.handshake();
  CHECK(count("/a") == 0);
}

TEST_CASE("too many subscriptions are answered NO_MEMORY, and those before stay") {
  const daemon_runner vsoad{one_service("    limits: { subscriptions: 3 }\n")};
  tcp_peer client{vsoad.service()};
  client.handshake();
  CHECK(client.ask(subscribe(1, "/a")).status == status_success);
  CHECK(client.ask(subscribe(2, "", R"(["/a", "/b"])")).status == status_success);
  CHECK(client.ask(subscribe(3, "", R"(["/c", "/d"])")).status == status_no_memory);
  CHECK(client.ask(subscribe(4, "/c")).status == status_success);
  CHECK(client.ask(subscribe(5, "/d")).status == status_no_memory);
  CHECK(client.ask(subscribe(6, "/a")).status == status_success);
  CHECK(client.ask(unsubscribe(7, "/a")).status == status_success);
  CHECK(client.ask(subscribe(8, "/d")).status == status_success);
  CHECK(client.ask(rpc(9, "/publish", "\"/d\"", "x")).type == type_publish);
}

}  // namespace subscribe_test
