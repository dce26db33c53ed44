// Names in DNS, which is asked last. This program has a getaddrinfo() of its own, so that it needs
// neither a network nor anything in /etc/hosts.
#include <dlfcn.h>
#include <netdb.h>

#include <doctest/doctest.h>

#include <map>

#include "scripted_server.hpp"
#include "test_client.hpp"

namespace dns_test {

using namespace vsoa_test;

// What getaddrinfo() knows, and what it was asked: "NAME PORT".
class fake_dns {
 public:
  void know(const std::string& name, std::vector<std::string> addresses) {
    const std::lock_guard lock(mutex_);
    known_[name] = std::move(addresses);
  }
  std::vector<std::string> look_up(const std::string& name, const std::string& port) {
    std::unique_lock lock(mutex_);
    asked_.push_back(name + ' ' + port);
    may_answer_.wait(lock, [this] { return !is_silent_; });
    const auto found = known_.find(name);
    return found == known_.end() ? std::vector<std::string>() : found->second;
  }
  /// Forgets all.
  void reset() {
    const std::lock_guard lock(mutex_);
    known_.clear();
    asked_.clear();
  }
  std::vector<std::string> asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  /// Whether those who ask have to wait.
  void be_silent(bool yes) {
    const std::lock_guard lock(mutex_);
    is_silent_ = yes;
    may_answer_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable may_answer_;
  std::map<std::string, std::vector<std::string>> known_;
  std::vector<std::string> asked_;
  bool is_silent_ = false;
};

fake_dns dns;

vsoa::socket_address loopback_at(std::uint16_t port) {
  return {*vsoa::ip_address::parse("127.0.0.1"), port};
}

// A server on loopback, a position server that knows "known" alone, and a client.
struct rig {
  rig() {
    dns.reset();
    server.start();
    how.position_servers = {position.listen(loopback_at(0))};
    position.start();
  }
  ~rig() { dns.be_silent(false); }  // or its runtime would wait for who asks
  std::string port() const { return std::to_string(server.at().port); }
  std::error_code connect(const std::string& url) {
    const auto error = client.connect(url, how);
    client.disconnect();
    return error;
  }
  using list = std::vector<std::string>;

  test_server server;
  running_loops own;
  std::atomic<int> questions = 0;
  vsoa::position_server position{
      own.loops, [this](const vsoa::position_query& q, auto answer) {
        ++questions;
        if (q.name != "known") return answer({});
        answer(vsoa::position_entry{q.name, loopback_at(server.at().port)});
      }};
  vsoa::client client{own.loops};
  vsoa::connect_options how;
};

TEST_CASE(
    "position servers first; whom they do not know, DNS does, in lower case, at the URL's port") {
  rig r;
  dns.know("cabin.example", {"127.0.0.1"});
  CHECK_FALSE(r.connect("vsoa://Cabin.Example:" + r.port()));
  CHECK(r.questions == 1);
  CHECK(dns.asked() == rig::list{"cabin.example " + r.port()});
}

TEST_CASE("DNS is not asked for what position servers know, for addresses, and without a port") {
  rig r;
  dns.know("known", {"127.0.0.1"});
  dns.know("localhost", {"127.0.0.1"});
  dns.know("cabin.example", {"127.0.0.1"});
  CHECK_FALSE(r.connect("vsoa://known:1"));
  CHECK_FALSE(r.connect("vsoa://known"));
  CHECK_FALSE(r.connect("vsoa://localhost:" + r.port()));
  CHECK_FALSE(r.connect("vsoa://127.0.0.1:" + r.port()));
  CHECK(r.connect("vsoa://cabin.example") == vsoa::connect_errc::not_found);
  CHECK(dns.asked().empty());
}

TEST_CASE("position servers that are not there") {
  rig r;
  const scripted_server nobody;  // in TCP; its port is free in UDP, as good as surely
  dns.know("cabin.example", {"127.0.0.1"});
  SUBCASE("nobody listens") {
    r.how.position_servers = {loopback_at(nobody.port())};
  }
  SUBCASE("several, and the last is asked, too") {
    r.how.position_servers.insert(r.how.position_servers.begin(), loopback_at(nobody.port()));
  }
  CHECK_FALSE(r.connect("vsoa://cabin.example:" + r.port()));
  CHECK(dns.asked().size() == 1);
}

TEST_CASE("a resolver in their place, and DNS behind it") {
  rig r;
  r.how.resolver = [&](std::string_view name, vsoa::position_domain, auto found) {
    if (name != "mine") return found({});
    found(vsoa::position_entry{"mine", loopback_at(r.server.at().port)});
  };
  dns.know("cabin.example", {"127.0.0.1"});
  CHECK_FALSE(r.connect("vsoa://mine:1"));
  CHECK(dns.asked().empty());
  CHECK_FALSE(r.connect("vsoa://cabin.example:" + r.port()));
  CHECK(dns.asked().size() == 1);
  CHECK(r.questions == 0);
}

TEST_CASE("who is not in DNS either") {
  rig r;
  CHECK(r.connect("vsoa://nobody.example:" + r.port()) == vsoa::connect_errc::not_found);
  CHECK(dns.asked().size() == 1);
}

TEST_CASE("of several addresses the first that takes us, of the family that is wanted") {
  rig r;
  dns.know("two.example", {"127.0.0.2", "127.0.0.1"});
  CHECK_FALSE(r.connect("vsoa://two.example:" + r.port()));
  dns.know("both.example", {"::1", "127.0.0.1"});
  r.how.domain = vsoa::position_domain::inet;
  CHECK_FALSE(r.connect("vsoa://both.example:" + r.port()));
  r.how.domain = vsoa::position_domain::inet6;
  CHECK(r.connect("vsoa://two.example:" + r.port()) == vsoa::connect_errc::not_found);
  CHECK(r.connect("vsoa://both.example:" + r.port()) == vsoa::connect_errc::error);
}

TEST_CASE("a DNS that does not answer does not outlast the timeout, nor disconnect()") {
  rig r;
  dns.be_silent(true);
  r.how.timeout = milliseconds(100);
  CHECK(r.connect("vsoa://cabin.example:" + r.port()) == vsoa::connect_errc::not_found);
  r.how.timeout = patience;
  pending_outcome ended;
  r.client.start_connect("vsoa://cabin.example:" + r.port(), r.how, ended.completion());
  r.client.disconnect();
  CHECK(ended.get().error == vsoa::errc::cancelled);
}

extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** found) {
  // Numbers need no network: the real one makes the list.
  static const auto real =
      reinterpret_cast<decltype(&::getaddrinfo)>(::dlsym(RTLD_NEXT, "getaddrinfo"));
  addrinfo** end = found;
  *found = nullptr;
  for (const std::string& address : dns.look_up(name, service)) {
    if (real(address.c_str(), service, hints, end) != 0) continue;
    while (*end != nullptr)
      end = &(*end)->ai_next;
  }
  return *found == nullptr ? EAI_NONAME : 0;
}

}  // namespace dns_test
