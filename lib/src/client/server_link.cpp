#include "client/server_link.hpp"

#include "client/client_impl.hpp"

namespace vsoa {

server_link::server_link(std::shared_ptr<client_impl> owner, net::transport bytes, bool v6)
    : net::connection(owner->where(), std::move(bytes), v6, owner->traffic(),
                      owner->connection_settings()),
      owner_(std::move(owner)) {}

server_link::next server_link::on_packet(const packet_view& p) {
  owner_->on_packet(*this, p);
  return next::packet;
}

void server_link::on_closed(net::close_reason why) {
  owner_->on_link_closed(*this, why);
}

void server_link::on_secured() {
  owner_->on_secured();
}

void server_link::on_lingered() {
  owner_->on_lingered(*this);
}

}  // namespace vsoa
