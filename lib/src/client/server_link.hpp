// A client's connection, as long as it lasts.
#pragma once

#include <memory>

#include "net/connection.hpp"

namespace vsoa {

class client_impl;

class server_link final : public net::connection {
 public:
  /// It keeps its client alive until it has closed.
  server_link(std::shared_ptr<client_impl> owner, net::transport bytes, bool v6);

  // What is of the connection's, for its client.
  using net::connection::abandon;
  using net::connection::bytes;
  using net::connection::close;
  using net::connection::close_gracefully;
  using net::connection::flush_now;
  using net::connection::make_room;
  using net::connection::native_handle;
  using net::connection::send;
  using net::connection::set_send_timeout;

  bool is_v6() const noexcept { return net::connection::is_v6(); }

 private:
  next on_packet(const packet_view& p) override;
  void on_closed(net::close_reason why) override;
  void on_lingered() override;
  void on_secured() override;
  void on_deadline() override {}

  const std::shared_ptr<client_impl> owner_;
};

}  // namespace vsoa
