// A server: commands that answer at once and commands that take their time, publishes, datagrams.
//
//   example_server [ADDRESS:PORT]     default 127.0.0.1:3005
#include <vsoa/server.hpp>
#include <vsoa/timer.hpp>
#include <vsoa/work_queue.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "ending.hpp"

using namespace std::chrono_literals;

namespace {

void run(const vsoa::socket_address& address) {
  const ending end;
  vsoa::work_queue slow;  // outlives the server, whose commands run on it
  vsoa::runtime loops;    // outlives all that lives on it
  vsoa::server_options options;
  options.info = R"({"name":"example"})";
  vsoa::server server(loops, options);

  server.command("/echo", [](vsoa::call& c) { c.reply(vsoa::status::success, c.payload()); });

  // GET answers the value, SET changes it and tells the subscribers. Clients are spread over the
  // loops of the runtime; this one has a single loop, else `speed` would need a lock.
  std::string speed = "0";
  server.command("/speed", [&](vsoa::call& c) {
    if (c.method() == vsoa::method::set) {
      if (c.payload().param.empty()) return c.reply(vsoa::status::arguments);
      speed = c.payload().param;
      server.publish("/speed/changed", {speed, {}});
    }
    c.reply(vsoa::status::success, {speed, {}});
  });

  // What takes long has a thread of its own, so that the loop goes on.
  server.command(
      "/slow",
      [](vsoa::call& c) {
        std::this_thread::sleep_for(200ms);
        c.reply(vsoa::status::success, {R"("done")", {}});
      },
      &slow);

  // The answer names a stream: the client connects to it, and gets a million bytes.
  server.command("/bytes", [&](vsoa::call& c) {
    struct source {
      std::vector<std::byte> piece = std::vector<std::byte>(10'000, std::byte{'x'});
      std::size_t left = 1'000'000;
      void pump(const vsoa::stream& s) {
        while (left != 0) {
          const auto part = std::span(piece).first(std::min(left, piece.size()));
          const std::size_t taken = s.send(part);
          if (taken == 0) return;  // on_writable follows
          left -= taken;
        }
        s.close();
      }
    };
    const auto bytes = std::make_shared<source>();
    vsoa::stream_callbacks callbacks;
    callbacks.on_link = [bytes](const vsoa::stream& s, bool connected) {
      if (connected) bytes->pump(s);
    };
    callbacks.on_writable = [bytes](const vsoa::stream& s) { bytes->pump(s); };
    const vsoa::stream_offer offer = server.create_stream(c.client(), std::move(callbacks));
    if (!offer) return c.reply(vsoa::status::no_memory);
    c.reply(vsoa::status::success, {}, offer.tunid);
  });

  server.on_client([](vsoa::client_id id, bool connected) {
    std::cout << "client " << id << (connected ? " has come" : " has gone") << std::endl;
  });
  server.on_datagram(
      [](vsoa::client_id id, std::string_view url, vsoa::payload_view p, vsoa::channel via) {
        std::cout << "datagram of client " << id << " to " << url
                  << (via == vsoa::channel::quick ? " (quick): " : ": ") << p.param << std::endl;
      });

  std::cout << "listening on " << server.listen(address).to_string() << std::endl;
  server.start();

  vsoa::timer clock(loops);
  int ticks = 0;
  clock.start(
      100ms,
      [&] {
        server.publish("/tick", {std::to_string(++ticks), {}});
      },
      100ms);

  loops.start();
  end.wait();
}

}  // namespace

int main(int argc, char** argv) {
  const auto address = vsoa::socket_address::parse(argc > 1 ? argv[1] : "127.0.0.1:3005");
  if (!address) {
    std::cerr << "usage: example_server [ADDRESS:PORT]\n";
    return 2;
  }
  try {
    run(*address);
  } catch (const std::exception& e) {  // the address is in use
    std::cerr << e.what() << '\n';
    return 1;
  }
}
