#include "client/dialer.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstring>
#include <utility>

namespace vsoa {
namespace {

using boost::asio::ip::tcp;

constexpr std::size_t max_addresses = 16;  // of one name in DNS that are tried

socket_address from_endpoint(const tcp::endpoint& endpoint) {
  net::raw_address raw;
  raw.length = static_cast<socklen_t>(endpoint.size());
  std::memcpy(&raw.storage, endpoint.data(), endpoint.size());
  return net::from_raw(raw);
}

bool matches(position_domain domain, const socket_address& a) noexcept {
  return domain == position_domain::any || (domain == position_domain::inet6) == a.ip.v6;
}

connect_errc to_connect_errc(const std::error_code& error) noexcept {
  switch (error.value()) {
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
      return connect_errc::unreachable;
    default:
      return connect_errc::error;
  }
}

}  // namespace

dialer::dialer(runtime& loops, net::loop& where, callback done)
    : loops_(loops), loop_(where), done_(std::move(done)), connector_(where) {}

void dialer::start(std::string_view url, const connect_options& options) {
  options_ = options;
  end_ = net::after(net::clock_now(), options.timeout);
  auto parsed = server_url::parse(url);
  if (!parsed) return finish_later(connect_errc::not_found);
  url_ = std::move(*parsed);
  auto ip = ip_address::parse(url_.host == "localhost" ? "127.0.0.1" : url_.host);
  if (!ip) return look_up();
  if (!url_.port) return finish_later(connect_errc::not_found);
  addresses_ = {{*ip, *url_.port}};
  try_next();
}

void dialer::adopt(const std::string& name, net::unique_fd socket) {
  url_.host = name;
  (void)::fcntl(socket.get(), F_SETFL, O_NONBLOCK);
  addresses_ = {net::peer_address(socket.get())};
  next_address_ = 1;
  loop_.post([self = shared_from_this(), s = std::move(socket)]() mutable {
    self->finish(connect_errc::ok, std::move(s));
  });
}

void dialer::cancel() noexcept {
  done_.reset();
  connector_.cancel();
}

std::chrono::milliseconds dialer::left() const {
  return std::chrono::ceil<std::chrono::milliseconds>(
      std::max(end_ - std::chrono::steady_clock::now(), net::steady_time::duration(0)));
}

// The file that names the position servers is read on the service thread, not on the loop.
void dialer::look_up() {
  auto answer = [self = shared_from_this()](std::optional<position_entry> entry) {
    self->loop_.post([self, found = std::move(entry)]() mutable { self->found(std::move(found)); });
  };
  if (options_.resolver) {
    return options_.resolver(url_.host, options_.domain, std::move(answer));
  }
  lookup_options how;
  how.domain = options_.domain;
  // DNS, and then the server, must have their time; and 0 would be no bound.
  how.total = std::max(left() * 3 / 4, std::chrono::milliseconds(1));
  loops_.internals().services().post([&loops = loops_, name = url_.host,
                                      servers = options_.position_servers, how,
                                      answer = std::move(answer)]() mutable {
    if (servers.empty()) servers = vsoa::position_servers();
    async_lookup(loops, std::move(name), std::move(servers), how, std::move(answer));
  });
}

void dialer::found(std::optional<position_entry> entry) {
  if (!done_) return;
  if (!entry) return url_.port ? ask_dns() : finish(connect_errc::not_found);
  secure_ = entry->secure;
  addresses_ = {entry->address};
  try_next();
}

void dialer::ask_dns() {
  auto& context = loops_.internals().services().context();
  loops_.internals().services().post([self = shared_from_this(), &context] {
    const auto resolver = std::make_shared<tcp::resolver>(context);
    resolver->async_resolve(
        self->url_.host, std::to_string(*self->url_.port), tcp::resolver::numeric_service,
        [self, resolver](const boost::system::error_code&, const tcp::resolver::results_type& all) {
          std::vector<socket_address> addresses;
          for (const auto& each : all) {
            auto address = from_endpoint(each.endpoint());
            if (matches(self->options_.domain, address) && addresses.size() < max_addresses) {
              addresses.push_back(address);
            }
          }
          self->loop_.post(
              [self, found = std::move(addresses)]() mutable { self->resolved(std::move(found)); });
        });
  });
}

void dialer::resolved(std::vector<socket_address> addresses) {
  if (!done_) return;
  if (addresses.empty()) return finish(connect_errc::not_found);
  addresses_ = std::move(addresses);
  try_next();
}

void dialer::try_next() {
  if (next_address_ == addresses_.size()) return finish(last_error_);
  const auto remaining = static_cast<std::int64_t>(addresses_.size() - next_address_);
  const socket_address& to = addresses_[next_address_++];
  // An address that swallows all must leave time for the others.
  connector_.start(
      to, left() / remaining, [this, to](std::error_code error, net::unique_fd socket) {
        const auto self = shared_from_this();
        if (!error) return finish(connect_errc::ok, std::move(socket));
        loop_.log_line(log_level::debug,
                       "client: can't connect to " + to.to_string() + ": " + error.message());
        last_error_ = to_connect_errc(error);
        try_next();
      });
}

void dialer::finish(connect_errc error, net::unique_fd socket) {
  const auto self = shared_from_this();
  callback done = std::move(done_);
  if (!done) return;
  result r{error, std::move(socket), {}, url_.host, secure_};
  if (next_address_ != 0) r.address = addresses_[next_address_ - 1];
  done(std::move(r));
}

void dialer::finish_later(connect_errc error) {
  loop_.post([self = shared_from_this(), error] { self->finish(error); });
}

}  // namespace vsoa
