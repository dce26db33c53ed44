// A server that offers streams to plain sockets.
#pragma once

#include <doctest/doctest.h>

#include "stream_peers.hpp"
#include "test_server.hpp"

namespace vsoa_test {

/// A server whose command /open offers a stream.
struct stream_server : test_server {
  explicit stream_server(vsoa::server_options settings = {}, std::size_t loops = 1)
      : test_server(std::move(settings), loops) {
    (*this)->command("/open", [this](vsoa::call& c) {
      const auto offer = (*this)->create_stream(c.client(), log.callbacks(behaviour), options);
      last_error = offer.error;
      c.reply(offer ? vsoa::status::success : vsoa::status::no_memory, {}, offer.tunid);
    });
    (*this)->command("/echo", echo);
    start();
  }
  ~stream_server() { destroy_server(); }

  std::uint16_t offer(tcp_peer& client) {
    const packet reply = client.ask_for_reply(rpc(1, "/open"));
    CHECK(reply.status == status_success);
    CHECK(reply.tunid != 0);
    return reply.tunid;
  }
  tcp_peer open(tcp_peer& client, const tcp_options& how = {}) {
    tcp_peer peer({at().ip, offer(client)}, how);
    REQUIRE(log.wait_linked());
    return peer;
  }

  vsoa::stream_callbacks behaviour;
  vsoa::stream_options options;
  std::error_code last_error;
  stream_log log;
};

}  // namespace vsoa_test
