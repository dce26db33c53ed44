// Whether a stream goes through TLS, and as which side.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "net/transport.hpp"

namespace vsoa {

struct stream_security {
  std::shared_ptr<const net::tls_context> tls;  ///< null: plain
  std::string host;                             ///< clients: see net::transport

  net::transport over(net::unique_fd socket) const {
    return tls ? net::transport(std::move(socket), tls, host) : net::transport(std::move(socket));
  }
};

}  // namespace vsoa
