// The quick channel: who gets what by UDP, and whose datagrams are believed.

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <mutex>
#include <set>

#include "test_server.hpp"

namespace quick_test {

using namespace vsoa_test;
using vsoa::channel;

struct received {
  vsoa::client_id client;
  std::string url;
  std::string param;
  std::string data;
  channel via;
};

class datagram_log {
 public:
  void watch(vsoa::server& s) {
    s.on_datagram(
        [this](vsoa::client_id id, std::string_view url, vsoa::payload_view p, channel via) {
          const std::lock_guard lock(mutex_);
          all_.push_back({id, std::string(url), std::string(p.param), data_text(p), via});
        });
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    return all_.size();
  }
  std::vector<received> all() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_;
  std::vector<received> all_;
};

TEST_CASE("datagrams to a client: from the server's port, sequence number 0") {
  for (const std::size_t loops : {1U, 2U}) {
    test_server server({}, loops);
    server.start();
    udp_peer udp;
    tcp_peer tcp = server.client(udp.port());
    tcp_peer other = server.client(udp.port());  // with two loops, one of them has no quick socket
    for (tcp_peer* peer : {&tcp, &other}) {
      CHECK(server->datagram(peer->client_id(), "/d", text_payload("{}", "x"), channel::quick));
      endpoint from;
      const auto p = udp.receive_packet(patience, &from);
      REQUIRE(p);
      CHECK(from == server.at());
      CHECK(p->type == type_datagram);
      CHECK(p->flags == 0);
      CHECK(p->seqno == 0);
      CHECK(p->url == "/d");
      CHECK(p->param == "{}");
      CHECK(p->data == "x");
    }
    CHECK(tcp.ask(ping(1)).type == type_pingecho);  // and nothing by TCP
  }
}

TEST_CASE("a quick publish reaches those with a quick channel, the others get nothing") {
  test_server server({}, 2);
  server.start();
  udp_peer udp;
  tcp_peer quick = server.client(udp.port());
  tcp_peer slow = server.client();
  subscribe_to(quick, "/t/");
  subscribe_to(slow, "/t/");
  CHECK(server->publish("/t/1", text_payload("1"), channel::quick));
  const auto p = udp.receive_packet();
  REQUIRE(p);
  CHECK(p->type == type_publish);
  CHECK(p->url == "/t/1");
  CHECK(quick.ask(ping(1)).type == type_pingecho);
  CHECK(slow.ask(ping(1)).type == type_pingecho);
  CHECK(server->stats().deliveries == 1);
  // A client without quick channel is no receiver of a quick message of its own either.
  const auto id = slow.client_id();
  server.run_on_loop(id % 2, [&] {
    CHECK_FALSE(server->datagram(id, "/d", {}, channel::quick));
    CHECK_FALSE(server->publish_to(id, "/d", {}, channel::quick));
  });
}

TEST_CASE("limits of the quick channel") {
  test_server server;
  server.start();
  udp_peer udp;
  tcp_peer tcp = server.client(udp.port());
  const std::string data(65504, 'q');
  const auto largest = text_payload({}, std::string_view(data).substr(0, 65504 - 20 - 4));
  CHECK(server->datagram(tcp.client_id(), "/max", largest, channel::quick));
  const auto p = udp.receive_packet();
  REQUIRE(p);
  CHECK(p->data.size() == 65504 - 20 - 4);
  CHECK_FALSE(server->datagram(tcp.client_id(), "/max1", largest, channel::quick));
  CHECK_FALSE(server->publish("/max1", largest, channel::quick));
}

TEST_CASE("datagrams from a client are believed by id, address and port together") {
  test_server server({}, 2);
  datagram_log log;
  log.watch(*server);
  server.start();
  udp_peer udp;
  udp_peer stranger;
  udp_peer elsewhere("127.0.0.2");
  tcp_peer first = server.client(udp.port());
  tcp_peer second = server.client(udp.port());
  tcp_peer deaf = server.client();
  tcp_peer guest = server.connect();  // has not shaken hands
  const auto good = [](const tcp_peer& from) {
    return datagram("/q", "{}", "x", from.client_id());
  };

  std::uint64_t rejected = 0;
  const auto reject = [&](udp_peer& from, const std::string& bytes) {
    from.send_to(server.at(), bytes);
    ++rejected;
  };
  reject(stranger, good(first).bytes());
  reject(elsewhere, good(first).bytes());
  reject(udp, good(deaf).bytes());
  reject(udp, datagram("/q", {}, {}, 0).bytes());
  reject(udp, datagram("/q", {}, {}, first.client_id() + 2).bytes());
  reject(udp, "");
  reject(udp, "garbage");
  reject(udp, good(first).bytes().substr(0, 23));
  reject(udp, "\x28" + good(first).bytes().substr(1));
  for (const std::uint8_t type : {type_servinfo, type_rpc, type_subscribe, type_publish,
                                  type_qossetup, type_noop, type_pingecho}) {
    packet p = good(first);
    p.type = type;
    reject(udp, p.bytes());
  }
  udp.send_to(server.at(), good(first));
  udp.send_to(server.at(), good(second).bytes() + "trailing");
  REQUIRE(wait_until([&] { return log.size() == 2; }));
  CHECK(wait_until([&] { return server->stats().quick_rejected == rejected; }));
  std::set<vsoa::client_id> senders;
  for (const received& r : log.all()) {
    senders.insert(r.client);
    CHECK(r.url == "/q");
    CHECK(r.param == "{}");
    CHECK(r.data == "x");
    CHECK(r.via == channel::quick);
  }
  CHECK(senders == std::set<vsoa::client_id>{first.client_id(), second.client_id()});
  CHECK(server->stats().datagrams_in == 2);
  for (tcp_peer* peer : {&first, &second, &deaf})
    CHECK(peer->ask(ping(1)).type == type_pingecho);
}

TEST_CASE("a client that is gone is believed no more") {
  test_server server;
  datagram_log log;
  log.watch(*server);
  server.start();
  udp_peer udp;
  std::uint32_t id = 0;
  {
    tcp_peer tcp = server.client(udp.port());
    id = tcp.client_id();
  }
  REQUIRE(wait_until([&] { return server->clients().empty(); }));
  udp.send_to(server.at(), datagram("/q", {}, {}, id));
  CHECK(wait_until([&] { return server->stats().quick_rejected == 1; }));
  CHECK(log.size() == 0);
}

TEST_CASE("a closed quick port of one client does not disturb the others") {
  test_server server;
  server.start();
  udp_peer udp;
  std::uint16_t closed = 0;
  {
    const udp_peer gone;
    closed = gone.port();
  }
  tcp_peer dead = server.client(closed);
  tcp_peer alive = server.client(udp.port());
  for (int i = 0; i < 20; ++i) {
    CHECK(server->datagram(dead.client_id(), "/d", {}, channel::quick));
    CHECK(server->datagram(alive.client_id(), "/d", {}, channel::quick));
    REQUIRE(udp.receive_packet());
  }
  CHECK(dead.ask(ping(1)).type == type_pingecho);
}

// A UDP socket on all addresses that tells which of them a datagram came to.
class order_watch {
 public:
  order_watch() : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    ::setsockopt(fd_.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    sockaddr_in any{};
    any.sin_family = AF_INET;
    socklen_t size = sizeof any;
    REQUIRE(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&any), size) == 0);
    REQUIRE(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&any), &size) == 0);
    port_ = ntohs(any.sin_port);
  }
  std::uint16_t port() const { return port_; }

  std::string next() {
    pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&entry, 1, static_cast<int>(patience.count())) != 1) return {};
    char bytes[2048];
    iovec part{bytes, sizeof bytes};
    alignas(cmsghdr) char control[256];
    msghdr h{};
    h.msg_iov = &part;
    h.msg_iovlen = 1;
    h.msg_control = control;
    h.msg_controllen = sizeof control;
    if (::recvmsg(fd_.get(), &h, 0) < 0) return {};
    in_pktinfo info{};
    std::memcpy(&info, CMSG_DATA(CMSG_FIRSTHDR(&h)), sizeof info);
    char text[INET_ADDRSTRLEN] = {};
    ::inet_ntop(AF_INET, &info.ipi_addr, text, sizeof text);
    return text;
  }

 private:
  unique_fd fd_;
  std::uint16_t port_ = 0;
};

TEST_CASE("of one loop's clients those of higher priority come first, then the earlier ones") {
  test_server server;
  server.start();
  order_watch watch;
  const std::pair<const char*, std::uint8_t> clients[] = {
      {"127.0.0.11", 0}, {"127.0.0.12", 5}, {"127.0.0.13", 3}, {"127.0.0.14", 5}, {"127.0.0.15", 0},
  };
  std::vector<tcp_peer> peers;
  for (const auto& [ip, priority] : clients) {
    peers.push_back(server.client(watch.port(), {.local_ip = ip}));
    subscribe_to(peers.back(), "/t");
    if (priority == 0) continue;
    CHECK(server->set_priority(peers.back().client_id(), priority));
    CHECK(peers.back().read().status == priority);
  }
  for (int round = 0; round < 5; ++round) {
    CHECK(server->publish("/t", {}, channel::quick));
    for (const char* expected :
         {"127.0.0.12", "127.0.0.14", "127.0.0.13", "127.0.0.11", "127.0.0.15"})
      CHECK(watch.next() == expected);
  }
  // A change takes effect with the next publish, and puts the client behind its new equals.
  CHECK(server->set_priority(peers[0].client_id(), 5));
  CHECK(peers[0].read().status == 5);
  CHECK(server->publish("/t", {}, channel::quick));
  for (const char* expected :
       {"127.0.0.12", "127.0.0.14", "127.0.0.11", "127.0.0.13", "127.0.0.15"})
    CHECK(watch.next() == expected);
}

}  // namespace quick_test
