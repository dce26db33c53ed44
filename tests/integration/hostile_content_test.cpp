// Packets that are well framed with hostile content: JSON deep, broken or huge, URLs that are none.
#include "hostile.hpp"

namespace hostile_content_test {

using namespace vsoa_test;

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + "\"/a\"" + std::string(depth, ']');
}

std::string nested_objects(std::size_t depth) {
  std::string out;
  for (std::size_t i = 0; i < depth; ++i)
    out += "{\"passwd\":";
  return out + "\"secret\"" + std::string(depth, '}');
}

std::vector<std::string> broken_json() {
  using namespace std::string_literals;
  return {"[",
          "[\"/a\"",
          "[\"/a\",]",
          "[\"/a\"]x",
          "[\"/a\" \"/b\"]",
          "[\"/a",
          "['/a']",
          "[\"/\\ud800\"]",
          "[\"/\\u12\"]",
          "[\"/\xFF\"]",
          "[\"/\xC3\"]",
          "[\"/a\n\"]",
          "[\"/a\0\"]"s,
          "\xEF\xBB\xBF",
          "[NaN]",
          "[[\"/a\"]]",
          "[{}]",
          std::string(1000, '\0'),
          std::string(200000, '['),
          std::string(200000, '{'),
          std::string(200000, '"'),
          nested(65),
          nested(100000)};
}

TEST_CASE("lists of subscriptions: broken, deep, and of other things than URLs") {
  siege with;
  tcp_peer client{with.server};
  client.handshake();
  for (const std::string& text : broken_json()) {
    const std::string begin = text.substr(0, 30);
    CAPTURE(begin);
    CHECK(client.ask(subscribe(1, "", text)).status == status_arguments);
    CHECK(client.ask(unsubscribe(2, "", text)).status == status_arguments);
  }
  CHECK(client.ask(ping(3)).seqno == 3);
  with.grew_at_most(8 * mebibyte);
}

TEST_CASE("lists as long as a packet allows") {
  siege with;
  tcp_peer client{with.server};
  client.handshake();
  std::string many = "[\"/0\"";
  for (int i = 1; many.size() < 250000; ++i)
    many += ",\"/" + std::to_string(i) + "\"";
  many += "]";
  std::string same = "[\"/a\"";
  while (same.size() < 250000)
    same += ",\"/a\"";
  same += "]";
  const std::string one = "[\"/" + std::string(65000, 'l') + "\"]";
  const std::string too_long = "[\"/" + std::string(65535, 'l') + "\"]";
  for (int round = 0; round < 5; ++round) {
    CHECK(client.ask(subscribe(1, "", many)).status == status_no_memory);
    CHECK(client.ask(subscribe(2, "", same)).status == status_success);
    CHECK(client.ask(subscribe(3, "", one)).status == status_success);
    CHECK(client.ask(subscribe(4, "", too_long)).status == status_arguments);
    CHECK(client.ask(unsubscribe(5, "", many)).status == status_success);
  }
  with.grew_at_most(8 * mebibyte);
}

TEST_CASE("long URLs are counted in bytes") {
  siege with;
  tcp_peer client{with.server};
  client.handshake();
  std::uint8_t last = status_success;
  for (std::uint32_t i = 0; i < 100 && last == status_success; ++i)
    last = client.ask(subscribe(i, "/" + std::to_string(i) + std::string(60000, 'x'))).status;
  CHECK(last == status_no_memory);
  with.grew_at_most(4 * mebibyte);
}

TEST_CASE("SERVINFO: deep, broken and huge, where there is a password") {
  const daemon_runner guarded{one_service("    credentials: [ { role: u, password: secret } ]\n")};
  siege open;
  auto texts = broken_json();
  texts.push_back(nested_objects(2));
  texts.push_back(nested_objects(500));
  texts.push_back(R"({"passwd":"secret")");
  texts.push_back(R"({"passwd":"secret"}})");
  for (const std::string& text : texts) {
    const std::string begin = text.substr(0, 30);
    CAPTURE(begin);
    tcp_peer offender{guarded.service()};
    offender.send_some(servinfo(1, text).bytes());
    // Refused; or, larger than what a stranger may send, cut off.
    const auto reply = offender.try_read(patience);
    if (reply) CHECK(reply->status == status_password);
    if (text.size() < 2000) CHECK(reply);
    CHECK(offender.wait_end() != ending::none);
  }
  tcp_peer good{guarded.service()};
  CHECK(good.handshake("secret").status == status_success);
}

TEST_CASE("SERVINFO: the same on an open service is taken or cut off, and hurts nobody") {
  siege with;
  for (const std::string& text : broken_json()) {
    tcp_peer offender{with.server};
    offender.send_some(servinfo(1, text).bytes());
    if (const auto reply = offender.try_read(milliseconds{sanitized ? 3000 : 1000}))
      CHECK(reply->status == status_success);
  }
  with.newcomer_is_served();
}

TEST_CASE("URLs that are not UTF-8, or have no slash") {
  siege with("    topics: { /: { relay: true, retain: last } }\n");
  tcp_peer client{with.server};
  client.handshake();
  tcp_peer listener{with.server};
  listener.handshake();
  CHECK(listener.ask(subscribe(1, "/")).status == status_success);
  const std::string bad[] = {"/\xFF", "/\xC0\xAF", "/\xED\xA0\x80", "/a\xC3", "/\xF5\x80\x80\x80"};
  for (const std::string& url : bad) {
    CHECK(client.ask(rpc(1, url, "1")).status == status_invalid_url);
    client.send(datagram(url, "1"));
    CHECK(client.ask(rpc(2, "/publish", "\"" + url + "\"", "1")).status == status_arguments);
    const std::uint8_t status = client.ask(subscribe(3, url)).status;
    CHECK((status == status_arguments || status == status_success));
  }
  for (const std::string& url : {std::string("x"), std::string("x/y"), std::string("\0", 1)}) {
    CHECK(client.ask(rpc(1, url, "1")).status == status_arguments);
    client.send(datagram(url, "1"));
    CHECK(client.ask(rpc(2, "/publish", "\"x\"", "1")).status == status_arguments);
    CHECK(client.ask(subscribe(3, url)).status == status_arguments);
  }
  client.send(datagram("", "1"));
  CHECK(client.ask(ping(4)).seqno == 4);
  CHECK(listener.silent());
}

TEST_CASE("params for a plugin that reads JSON") {
  siege with;
  tcp_peer client{with.server};
  client.handshake();
  auto texts = broken_json();
  for (const char* more : {"", "7", "null", "[]", "{\"url\":\"/x\"}", "\"\"", "\"x\""})
    texts.emplace_back(more);
  for (const std::string& text : texts) {
    const std::string begin = text.substr(0, 30);
    CAPTURE(begin);
    CHECK(client.ask(rpc(1, "/publish", text, "d")).status == status_arguments);
  }
}

TEST_CASE("a retained value for each of very many URLs stays within bounds") {
  siege with("    topics: { /: { relay: true, retain: last } }\n");
  tcp_peer client{with.server};
  client.handshake();
  const std::string value(50000, 'v');
  for (int i = 0; i < 3000; ++i)
    client.send(datagram("/v/" + std::to_string(i), "", value));
  CHECK(client.ask_for_reply(ping(1)).seqno == 1);
  // 150 MB were sent.
  with.grew_at_most(80 * mebibyte);
}

}  // namespace hostile_content_test
