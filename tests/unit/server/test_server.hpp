// A server of the library on a loopback port of the kernel's choice, for tests of its public face.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "peer.hpp"
#include "vsoa/server.hpp"

namespace vsoa_test {

inline endpoint to_endpoint(const vsoa::socket_address& a) {
  return {a.ip.to_string(), a.port};
}

inline vsoa::payload_view text_payload(std::string_view param, std::string_view data = {}) {
  return {param, {reinterpret_cast<const std::byte*>(data.data()), data.size()}};
}

inline std::string data_text(const vsoa::payload_view& p) {
  return {reinterpret_cast<const char*>(p.data.data()), p.data.size()};
}

class test_server {
 public:
  explicit test_server(vsoa::server_options options = {}, std::size_t loop_count = 1)
      : loops_({.loops = loop_count, .log = {}}),
        server_(std::make_unique<vsoa::server>(loops_, std::move(options))) {}

  /// Listens and starts. Callbacks are set before.
  test_server& start(const std::string& ip = "127.0.0.1") {
    const auto address = vsoa::ip_address::parse(ip);
    at_ = to_endpoint(server_->listen({address.value(), 0}));
    loops_.start();
    server_->start();
    return *this;
  }

  vsoa::server& operator*() { return *server_; }
  vsoa::server* operator->() { return server_.get(); }
  vsoa::runtime& loops() { return loops_; }
  const endpoint& at() const { return at_; }
  void destroy_server() { server_.reset(); }
  void stop_loops() { loops_.stop(); }

  /// A connection that has not shaken hands.
  tcp_peer connect(const tcp_options& options = {}) { return tcp_peer(at_, options); }
  /// A client that has.
  tcp_peer client(std::uint16_t quick_port = 0, const tcp_options& options = {}) {
    tcp_peer peer(at_, options);
    peer.handshake({}, quick_port);
    return peer;
  }

  /// Runs on a loop's thread and waits for the end.
  void run_on_loop(std::size_t index, const std::function<void()>& work) {
    std::promise<void> done;
    loops_.post(index, [&] {
      work();
      done.set_value();
    });
    done.get_future().wait();
  }
  /// Waits until the loop has dealt with what it was given before, the end of the turn included.
  void settle(std::size_t index = 0) {
    // The turn of the first task has ended when the second runs.
    for (int i = 0; i < 2; ++i)
      run_on_loop(index, [] {});
  }

 private:
  vsoa::runtime loops_;
  std::unique_ptr<vsoa::server> server_;
  endpoint at_;
};

/// An echo of param and data, whatever the method.
inline void echo(vsoa::call& c) {
  c.reply(vsoa::status::success, c.payload());
}

/// Subscribes and checks that it was granted.
inline void subscribe_to(tcp_peer& peer, const std::string& url) {
  const packet reply = peer.ask_for_reply(subscribe(77, url));
  if (reply.status != 0) throw std::runtime_error("not subscribed: " + url);
}

}  // namespace vsoa_test
