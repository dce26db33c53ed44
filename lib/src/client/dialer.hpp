// From a server's URL to a connected socket: position lookup, DNS, TCP. On the client's loop; names
// are asked on the runtime's service thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/connector.hpp"
#include "vsoa/connect_options.hpp"
#include "vsoa/error.hpp"
#include "vsoa/server_url.hpp"

namespace vsoa {

class dialer final : public std::enable_shared_from_this<dialer> {
 public:
  struct result {
    connect_errc error = connect_errc::ok;
    net::unique_fd socket;
    socket_address address;
    std::string name;     ///< of the server, as the URL has it
    bool secure = false;  ///< the position server demands TLS
  };
  using callback = unique_function<void(result)>;

  /// `done` is called once, later, on `where`, unless cancel() comes first.
  dialer(runtime& loops, net::loop& where, callback done);

  void start(std::string_view url, const connect_options& options);
  /// With a socket that is connected already.
  void adopt(const std::string& name, net::unique_fd socket);
  void cancel() noexcept;
  /// What to say when the time is over: a name that is not found yet, or a server.
  connect_errc error_when_late() const noexcept {
    return addresses_.empty() ? connect_errc::not_found : connect_errc::error;
  }

 private:
  void look_up();
  void found(std::optional<position_entry> entry);
  void ask_dns();
  void resolved(std::vector<socket_address> addresses);
  void try_next();
  void finish(connect_errc error, net::unique_fd socket = {});
  void finish_later(connect_errc error);
  std::chrono::milliseconds left() const;

  runtime& loops_;
  net::loop& loop_;
  callback done_;
  net::connector connector_;
  server_url url_;
  connect_options options_;
  net::steady_time end_{};
  std::vector<socket_address> addresses_;
  std::size_t next_address_ = 0;
  connect_errc last_error_ = connect_errc::error;
  bool secure_ = false;
};

}  // namespace vsoa
