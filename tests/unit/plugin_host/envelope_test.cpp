// The wire between the daemon and the process of an isolated plugin.
#include "plugin_host/isolation/envelope.hpp"

#include <doctest/doctest.h>

#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "plugin_host/isolation/control.hpp"
#include "vsoa/url.hpp"

namespace envelope_test {

using namespace vsoad::isolation;

message a_call() {
  message m;
  m.kind = kind::call;
  m.service = 70000;
  m.client = 0xFFFFFFFF;
  m.seqno = 0x80000001;
  m.command = 1023;
  m.has_more = true;
  m.strip = 65535;
  m.prefix = "/tree/";
  m.queue = 4095;
  m.timeout_ms = 0xFFFFFFFF;
  m.url = "/a/b\xC3\xA4";
  return m;
}

TEST_CASE("each kind of message comes back as it was") {
  std::string text;
  SUBCASE("call") {
    write(a_call(), text);
    CHECK(vsoa::is_valid_url(text));
    CHECK(text.size() == overhead(a_call()) + 6 + a_call().url.size());
    const auto m = read(text);
    REQUIRE(m);
    CHECK(m->service == 70000);
    CHECK(m->client == 0xFFFFFFFF);
    CHECK(m->seqno == 0x80000001);
    CHECK(m->command == 1023);
    CHECK(m->strip == 65535);
    CHECK(m->prefix == "/tree/");
    CHECK(m->queue == 4095);
    CHECK(m->timeout_ms == 0xFFFFFFFF);
    CHECK(m->url == a_call().url);
  }
  SUBCASE("a call as most are") {
    message m;
    m.kind = kind::call;
    m.service = 1;
    m.client = 7;
    m.seqno = 9;
    m.command = 3;
    m.url = "/echo";
    write(m, text);
    CHECK(text.size() == 31 + m.url.size());
    const auto back = read(text);
    REQUIRE(back);
    CHECK(back->client == 7);
    CHECK(back->command == 3);
    CHECK(back->timeout_ms == 0);
    CHECK(back->url == "/echo");
  }
  SUBCASE("others") {
    for (const kind k : {kind::client, kind::listing, kind::subscribed, kind::unsubscribed,
                         kind::datagram, kind::publish, kind::change}) {
      CAPTURE(static_cast<char>(k));
      message m;
      m.kind = k;
      m.service = 3;
      m.client = k == kind::publish || k == kind::listing ? 0 : 9;
      m.connected = m.has_quick = k == kind::client;
      m.what = k == kind::change ? change_of::close : change_of::authed;
      m.value = k == kind::change ? 77 : 0;
      m.via = k == kind::publish ? vsoa::channel::quick : vsoa::channel::normal;
      m.url = k == kind::publish || k == kind::datagram ? "/x" : "";
      write(m, text);
      CHECK(text.size() == overhead(m) + m.url.size());
      const auto back = read(text);
      REQUIRE(back);
      CHECK(back->kind == k);
      CHECK(back->service == 3);
      CHECK(back->client == m.client);
      CHECK(back->connected == m.connected);
      CHECK(back->has_quick == m.has_quick);
      CHECK(back->what == m.what);
      CHECK(back->value == m.value);
      CHECK(back->via == m.via);
      CHECK(back->url == m.url);
    }
  }
}

TEST_CASE("what is no message is none") {
  std::string whole;
  write(a_call(), whole);
  for (std::size_t length = 0; length < overhead(a_call()) + 6; ++length) {
    CAPTURE(length);
    if (length != 1) CHECK_FALSE(read(std::string_view(whole).substr(0, length)));
  }
  for (const char* wrong :
       {"", "x", "/", "/z@", "/c!", "//", "/p@", "/p@@@@", "/a@", "/aB", "/aG",
        "/x@A@@@@@@@A@@@@@@@F@@@@@@@@", "/p@A@@@@@P@@/x", "/p@A@@@@@@@B/x", "/p@A@@@@@A@@/x"}) {
    CAPTURE(wrong);
    const auto m = read(wrong);
    if (m) CHECK(m->kind == kind::part);
  }
}

TEST_CASE("what does not fit goes ahead, and is put together again") {
  const std::string large(vsoa::max_packet_bytes - vsoa::header_bytes - 8, 'x');
  const std::string long_url = "/" + std::string(vsoa::max_url_bytes - 1, 'u');
  const auto through = [](message m, vsoa::payload_view payload) {
    parts kept;
    std::size_t sent = 0;
    m.ahead = must_go_ahead(m, payload);
    const bool done =
        send_ahead(m.ahead, m, payload, [&](std::string_view url, const vsoa::payload_view& part) {
          CHECK(url.size() + part.param.size() + part.data.size() + vsoa::header_bytes <=
                vsoa::max_packet_bytes);
          ++sent;
          const auto got = read(url);
          return got && kept.take(*got, part);
        });
    CHECK(done);
    if ((m.ahead & ahead::param) != 0) payload.param = {};
    if ((m.ahead & ahead::data) != 0) payload.data = {};
    std::string text;
    write(m, text);
    CHECK(text.size() <= vsoa::max_url_bytes);
    CHECK(text.size() + payload.param.size() + payload.data.size() + vsoa::header_bytes <=
          vsoa::max_packet_bytes);
    auto back = read(text);
    REQUIRE(back);
    REQUIRE(kept.complete(*back, payload));
    return std::tuple(sent, std::string(back->url), std::string(payload.param),
                      payload.data.size());
  };
  message m = a_call();
  CHECK(through(m, {"{}", {}}) == std::tuple(0, std::string(m.url), "{}", 0));
  CHECK(through(m, {large, {}}) == std::tuple(1, std::string(m.url), large, 0));
  CHECK(through(m, {{}, std::as_bytes(std::span(large))}) ==
        std::tuple(1, std::string(m.url), "", large.size()));
  m.url = long_url;
  CHECK(through(m, {"{}", {}}) == std::tuple(1, long_url, "{}", 0));
}

TEST_CASE("a message whose part has not come is not complete") {
  parts kept;
  message m = a_call();
  vsoa::payload_view payload;
  m.ahead = ahead::param;
  CHECK_FALSE(kept.complete(m, payload));
  message part;
  part.kind = kind::part;
  CHECK(kept.take(part, {"text", {}}));
  CHECK(kept.complete(m, payload));
  CHECK(payload.param == "text");
  kept.forget();
  CHECK_FALSE(kept.complete(m, payload));
}

TEST_CASE("lists of URLs end where they are broken") {
  std::string list;
  put_url("/a", list);
  put_url("", list);
  put_url(std::string(65535, 'x'), list);
  auto bytes = std::as_bytes(std::span(list));
  std::string_view url;
  CHECK(take_url(bytes, url));
  CHECK(url == "/a");
  CHECK(take_url(bytes, url));
  CHECK(url.empty());
  auto cut = bytes.first(bytes.size() - 1);
  CHECK_FALSE(take_url(cut, url));
  CHECK(take_url(bytes, url));
  CHECK(url.size() == 65535);
  CHECK_FALSE(take_url(bytes, url));
}

TEST_CASE("setup, services and hello come back, and cut short they do not") {
  setup s;
  s.name = "camera";
  s.path = "/usr/lib/vsoad/plugins/camera.so";
  s.loops = 3;
  s.memory = 1U << 30;
  s.files = 100;
  s.work_queue = "slow";
  s.queues = {{"slow", 2, 10}, {"other", 1, 5}};
  const std::string bytes = s.write();
  setup back;
  REQUIRE(setup::read(bytes, back));
  CHECK(back.name == s.name);
  CHECK(back.loops == 3);
  CHECK(back.queues.size() == 2);
  CHECK(back.queues[1].limit == 5);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    setup none;
    CHECK_FALSE(setup::read(std::string_view(bytes).substr(0, length), none));
  }
  std::string of_another_version = bytes;
  ++of_another_version[1];
  CHECK_FALSE(setup::read(of_another_version, back));
  named_services list;
  CHECK(read_services(write_services(to_plugin::start, {{1, "a"}, {7, "b"}}), list));
  CHECK(list == named_services{{1, "a"}, {7, "b"}});
  descriptor_text d, same;
  d.name = "x";
  d.version = "1";
  d.has_client = true;
  std::string reason;
  CHECK(read_hello(write_hello(d), same, reason));
  CHECK(same.name == "x");
  CHECK(same.has_client);
  CHECK_FALSE(same.has_datagram);
  CHECK(read_hello(write_refusal("no"), same, reason));
  CHECK(reason == "no");
}

TEST_CASE("packet sockets keep messages whole, and pass descriptors") {
  auto [one, other] = make_packet_sockets();
  std::vector<char> buffer(max_message_bytes);
  CHECK(receive_message(other.get(), buffer, false).state == received::what::nothing);
  const vsoad::unique_fd text = share_text("shared");
  CHECK(send_message(one.get(), "first", text.get()));
  CHECK(send_message(one.get(), "second"));
  CHECK_FALSE(send_message(one.get(), std::string(max_message_bytes + 1, 'x')));
  auto got = receive_message(other.get(), buffer, false);
  CHECK(got.bytes == "first");
  CHECK(read_shared_text(got.fd.get(), 100) == "shared");
  CHECK_FALSE(read_shared_text(got.fd.get(), 5));
  got = receive_message(other.get(), buffer, false);
  CHECK(got.bytes == "second");
  CHECK_FALSE(got.fd);
  CHECK_FALSE(read_shared_text(other.get(), 100));
  one = vsoad::unique_fd();
  CHECK(receive_message(other.get(), buffer, false).state == received::what::end);
}

}  // namespace envelope_test
