// A client that stays connected: the robot connects, pings, and connects again for as long as it
// lives, and subscribes anew to what had been subscribed to. Made for example_server.
//
//   example_robot vsoa://NAME-OR-ADDRESS[:PORT] [TICKS]     ends after so many ticks; default:
//   never
#include <vsoa/client.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <future>
#include <iostream>
#include <latch>
#include <span>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

int run(const std::string& url, int ticks) {
  vsoa::runtime loops;  // outlives the client
  loops.start();
  vsoa::client client(loops);

  std::latch connected{1};
  std::latch enough{1};
  std::atomic<bool> first = true;
  client.on_connect([&](const vsoa::server_info& server) {
    std::cout << "connected to " << server.info << std::endl;
    if (first.exchange(false)) connected.count_down();
  });
  client.on_disconnect([](std::error_code why) {
    std::cout << "disconnected: " << (why ? why.message() : "by us") << std::endl;
  });
  client.on_message([&](std::string_view topic, vsoa::payload_view payload, vsoa::channel) {
    std::cout << topic << ' ' << payload.param << std::endl;
    if (topic == "/tick" && ticks > 0 && --ticks == 0) enough.count_down();
  });

  vsoa::robot_options options;
  options.keepalive = 1s;
  options.reconnect_delay = 200ms;
  client.start_robot(url, options);
  connected.wait();

  // The blocking forms are for plain threads such as this one; callbacks use start_call() or, with
  // Asio, async_call() of vsoa/async.hpp.
  if (const auto error = client.subscribe({"/tick", "/speed/"})) {
    std::cerr << "subscribe: " << error.message() << '\n';
    return 1;
  }
  vsoa::reply answer;
  const vsoa::request set{.url = "/speed", .payload = {"42", {}}, .method = vsoa::method::set};
  if (const auto error = client.fetch(set, answer)) {
    std::cerr << "/speed: " << error.message() << '\n';
    return 1;
  }
  std::cout << "/speed is " << answer.param << " (" << vsoa::to_string(answer.status) << ')'
            << std::endl;
  // A stream: the answer of an RPC names it.
  if (const auto error = client.fetch({.url = "/bytes"}, answer)) {
    std::cerr << "/bytes: " << error.message() << '\n';
    return 1;
  }
  std::promise<std::size_t> all;
  std::size_t received = 0;
  vsoa::stream_callbacks callbacks;
  callbacks.on_data = [&](const vsoa::stream&, std::span<const std::byte> bytes) {
    received += bytes.size();
  };
  callbacks.on_link = [&](const vsoa::stream&, bool connected) {
    if (!connected) all.set_value(received);
  };
  if (client.create_stream(answer.tunid, std::move(callbacks)))
    std::cout << "/bytes gave " << all.get_future().get() << std::endl;

  client.datagram("/note", {R"("all is well")", {}});

  enough.wait();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: example_robot vsoa://NAME-OR-ADDRESS[:PORT] [TICKS]\n";
    return 2;
  }
  return run(argv[1], argc > 2 ? std::atoi(argv[2]) : 0);
}
