// Accepts TCP connections on one address, on one loop.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>

#include "net/loop.hpp"
#include "net/socket.hpp"

namespace vsoa::net {

class listener : public std::enable_shared_from_this<listener> {
 public:
  using callback = std::function<void(unique_fd socket, const socket_address& peer)>;

  /// @param socket  bound and listening
  listener(loop& where, unique_fd socket, callback on_accept);

  // On the loop's thread.
  void start();
  void stop();

 private:
  void wait();
  void accept_all();
  bool accept_one();
  void pause(int error);

  using acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp,
                                                      boost::asio::io_context::executor_type>;
  loop& loop_;
  acceptor acceptor_;
  boost::asio::steady_timer retry_;
  callback on_accept_;
  bool failing_ = false;  // out of descriptors or memory; said once
};

}  // namespace vsoa::net
