// The control socket with operations made for the test, its loop on a thread of its own.
#include "control/server.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstring>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "wait.hpp"

namespace server_test {

using namespace vsoad::control;
using namespace std::chrono_literals;
using vsoa_test::wait_until;

struct fake final : operations {
  std::atomic<int> asked = 0;
  std::string text = "x";

  outcome status(json_writer& out) override {
    ++asked;
    out.field("text", text);
    return {};
  }
  outcome services(json_writer&) override { return {}; }
  outcome clients(json_writer&, const std::string&, std::size_t) override { return {}; }
  outcome plugins(json_writer&) override { return {}; }
  outcome topics(json_writer&, const std::string&, std::size_t) override { return {}; }
  outcome reload(json_writer&, bool) override { return {}; }
  outcome log_level(json_writer&, vsoa::log_level) override { return {}; }
  outcome disconnect(json_writer&, const std::string&) override { return {}; }
  outcome restart_plugin(json_writer&, const std::string&) override { return {}; }
};

class rig {
 public:
  explicit rig(server_options options = {}) {
    directory = (std::filesystem::temp_directory_path() / "vsoa-control-XXXXXX").string();
    REQUIRE(::mkdtemp(directory.data()) != nullptr);
    options.path = directory + "/control.sock";
    socket = std::make_unique<server>(context, daemon, vsoa::log_sink());
    socket->listen(options);
    thread = std::thread([this] {
      const auto work = boost::asio::make_work_guard(context);
      context.run();
    });
  }
  ~rig() {
    boost::asio::post(context, [this] {
      socket.reset();
      context.stop();
    });
    thread.join();
    std::filesystem::remove_all(directory);
  }
  void on_loop(const std::function<void()>& work) {
    std::promise<void> done;
    boost::asio::post(context, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }

  fake daemon;
  std::string directory;
  boost::asio::io_context context;
  std::unique_ptr<server> socket;
  std::thread thread;
};

class program {
 public:
  explicit program(const rig& r) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = r.directory + "/control.sock";
    std::memcpy(address.sun_path, path.data(), path.size());
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~program() { ::close(fd_); }
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  void send(const std::string& bytes) const {
    CHECK(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(bytes.size()));
  }
  // As much as goes without waiting.
  void flood(const std::string& bytes) const {
    while (::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) > 0) {
    }
  }
  // Without its end; empty: the connection has ended, or nothing comes.
  std::string line() {
    std::size_t searched = 0;
    while (read_.find('\n', searched) == std::string::npos) {
      searched = read_.size();
      pollfd ready{fd_, POLLIN, 0};
      if (::poll(&ready, 1, static_cast<int>(vsoa_test::patience.count())) != 1) return {};
      char buffer[65536];
      const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n <= 0) {
        has_ended_ = true;
        return {};
      }
      read_.append(buffer, static_cast<std::size_t>(n));
    }
    std::string out = read_.substr(0, read_.find('\n'));
    read_.erase(0, out.size() + 1);
    return out;
  }
  // Without reading.
  bool is_cut_off() const {
    pollfd closed{fd_, 0, 0};
    return ::poll(&closed, 1, static_cast<int>(vsoa_test::patience.count())) == 1 &&
           (closed.revents & POLLHUP) != 0;
  }
  bool has_ended() {
    while (!has_ended_ && !line().empty()) {
    }
    return has_ended_;
  }

 private:
  int fd_;
  bool has_ended_ = false;
  std::string read_;
};

const std::string status = "{\"command\":\"status\"}\n";
const std::string answered = R"({"protocol":1,"ok":true,"text":"x"})";

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("requests are answered in their order, however they come") {
  rig r;
  program p(r);
  p.send(status + status + "{\"command\":\"nonsense\"}\n");
  CHECK(p.line() == answered);
  CHECK(p.line() == answered);
  CHECK(contains(p.line(), "no command"));
  for (const char c : status)
    p.send(std::string(1, c));
  CHECK(p.line() == answered);
}

TEST_CASE("an answer may be of any size") {
  rig r;
  constexpr std::size_t size = vsoa_test::sanitized ? 4'000'000 : 20'000'000;
  r.daemon.text.assign(size, 'y');
  program p(r);
  p.send(status + status);
  CHECK(p.line().size() > size);
  CHECK(p.line().size() > size);
}

TEST_CASE("garbage is told so, and ends the connection, no other") {
  rig r;
  program good(r);
  for (const std::string& garbage : {std::string("nonsense\n"), std::string("\0\n", 2),
                                     std::string(max_request_bytes + 1, '{')}) {
    program bad(r);
    bad.flood(garbage.substr(0, 60000));
    bad.flood(garbage.substr(std::min<std::size_t>(garbage.size(), 60000)));
    CHECK(contains(bad.line(), "bad_request"));
    CHECK(bad.has_ended());
  }
  good.send(status);
  CHECK(good.line() == answered);
}

TEST_CASE("who does not read is not read from, holds nobody up, and is disconnected") {
  rig r({.path = {}, .group = {}, .connections = 16, .idle = 300ms});
  r.daemon.text.assign(1'000'000, 'y');
  program stalled(r);
  stalled.flood(status);
  REQUIRE(wait_until([&] { return r.daemon.asked == 1; }));
  {
    program p(r);
    p.send(status);
    CHECK(p.line().size() > 1'000'000);
  }
  CHECK(r.daemon.asked == 2);
  CHECK(stalled.is_cut_off());
  CHECK(r.daemon.asked == 2);
}

TEST_CASE("who says nothing is disconnected after a while") {
  rig r({.path = {}, .group = {}, .connections = 16, .idle = 50ms});
  program p(r);
  p.send("{\"command\":");
  CHECK(p.has_ended());
}

TEST_CASE("there is a limit of connections; an end makes room") {
  rig r({.path = {}, .group = {}, .connections = 2, .idle = 60s});
  auto first = std::make_unique<program>(r);
  program second(r);
  first->send(status);
  second.send(status);
  CHECK(first->line() == answered);
  CHECK(second.line() == answered);
  {
    program third(r);
    CHECK(contains(third.line(), "\"busy\""));
    CHECK(third.has_ended());
  }
  first.reset();
  CHECK(wait_until([&] {
    program again(r);
    again.send(status);
    return again.line() == answered;
  }));
}

TEST_CASE("its end ends the connections and removes the socket") {
  rig r;
  program p(r);
  p.send(status);
  CHECK(p.line() == answered);
  r.on_loop([&] { r.socket.reset(); });
  CHECK(p.has_ended());
  CHECK(std::filesystem::is_empty(r.directory));
}

TEST_CASE("a group that is not there is an error with a remedy") {
  boost::asio::io_context context;
  fake daemon;
  server s(context, daemon, {});
  CHECK_THROWS_WITH(s.listen({.path = "/nowhere", .group = "no such group"}),
                    doctest::Contains("make it, or name another"));
}

}  // namespace server_test
