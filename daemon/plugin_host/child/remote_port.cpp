#include "plugin_host/child/remote_port.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "plugin_host/host_table.hpp"

namespace vsoad::isolation {

bool remote_port::publish(std::string_view url, vsoa::payload_view payload, vsoa::channel via) {
  message m;
  m.kind = kind::publish;
  m.service = id_;
  m.via = via;
  m.url = url;
  return link_.send(m, payload) == outcome::ok;
}

service_port::outcome remote_port::datagram(vsoa::client_id client, std::string_view url,
                                            vsoa::payload_view payload, vsoa::channel via) {
  if (!link_.is_there(client_handle(id_, client), via == vsoa::channel::quick)) {
    return outcome::no_client;
  }
  message m;
  m.kind = kind::datagram;
  m.service = id_;
  m.client = client;
  m.via = via;
  m.url = url;
  return link_.send(m, payload);
}

bool remote_port::is_subscribed(std::string_view url) {
  bool any = false;
  (void)link_.ask(
      ask::is_subscribed, [&](field_writer& w) { w.number(id_).text(url); },
      [&](field_reader& r) { any = r.number() == 1; });
  return any;
}

// There may be more than one answer takes.
std::vector<vsoa::client_id> remote_port::clients() {
  std::vector<vsoa::client_id> list;
  for (bool more = true; more;) {
    const std::size_t first = list.size();
    std::uint64_t all = 0;
    const bool answered = link_.ask(
        ask::clients, [&](field_writer& w) { w.number(id_).number(first); },
        [&](field_reader& r) {
          all = r.number();
          const auto count = r.number<std::size_t>(max_message_bytes);
          for (std::size_t i = 0; i < count && r.is_good(); ++i)
            list.push_back(r.number<vsoa::client_id>(0xFFFFFFFF));
        });
    more = answered && list.size() > first && list.size() < all;
  }
  return list;
}

std::optional<vsoa::client_info> remote_port::client(vsoa::client_id client) {
  std::optional<vsoa::client_info> found;
  (void)link_.ask(
      ask::client, [&](field_writer& w) { w.number(id_).number(client); },
      [&](field_reader& r) {
        if (r.number() != 1) return;
        vsoa::client_info info;
        info.id = client;
        if (auto peer = vsoa::socket_address::parse(r.text())) info.address = *peer;
        if (auto local = vsoa::socket_address::parse(r.text())) info.local = *local;
        info.role = r.text();
        info.authed = r.number() != 0;
        info.priority = r.number<std::uint8_t>(vsoa::max_priority);
        info.quick_port = r.number<std::uint16_t>(0xFFFF);
        if (r.is_good()) found = std::move(info);
      });
  return found;
}

std::optional<std::vector<std::byte>> remote_port::certificate(vsoa::client_id client) {
  std::optional<std::vector<std::byte>> found;
  (void)link_.ask(
      ask::certificate, [&](field_writer& w) { w.number(id_).number(client); },
      [&](field_reader& r) {
        if (r.number() != 1) return;
        const std::string_view der = r.text();
        const auto* const bytes = reinterpret_cast<const std::byte*>(der.data());
        if (r.is_good()) found.emplace(bytes, bytes + der.size());
      });
  return found;
}

std::optional<bool> remote_port::is_subscribed(vsoa::client_id client, std::string_view url) {
  std::optional<bool> takes;
  (void)link_.ask(
      ask::client_is_subscribed, [&](field_writer& w) { w.number(id_).number(client).text(url); },
      [&](field_reader& r) {
        const std::uint64_t answer = r.number();
        if (answer < 2) takes = answer == 1;
      });
  return takes;
}

bool remote_port::change(vsoa::client_id client, change_of what, std::uint64_t value) {
  if (!link_.is_there(client_handle(id_, client))) return false;
  message m;
  m.kind = kind::change;
  m.service = id_;
  m.client = client;
  m.what = what;
  m.value = static_cast<std::uint32_t>(std::min<std::uint64_t>(value, 0xFFFFFFFF));
  return link_.send(m, {}) != outcome::no_client;
}

bool remote_port::set_authed(vsoa::client_id client, bool authed) {
  return change(client, change_of::authed, authed ? 1 : 0);
}
bool remote_port::set_priority(vsoa::client_id client, std::uint8_t priority) {
  return change(client, change_of::priority, priority);
}
bool remote_port::set_keepalive(vsoa::client_id client, std::chrono::seconds idle) {
  return change(client, change_of::keepalive, static_cast<std::uint64_t>(idle.count()));
}
bool remote_port::set_send_timeout(vsoa::client_id client, std::chrono::milliseconds timeout) {
  return change(client, change_of::send_timeout, static_cast<std::uint64_t>(timeout.count()));
}
bool remote_port::close(vsoa::client_id client) {
  return change(client, change_of::close, 0);
}

// The daemon waits for the client and sends the socket when it has come. Until the daemon has
// agreed nothing is told to the plugin, which does not know of the stream yet.
vsoa::stream_offer remote_port::create_stream(vsoa::client_id client,
                                              vsoa::stream_callbacks callbacks,
                                              const vsoa::stream_options& options) {
  const auto number = std::make_shared<std::uint64_t>(0);
  const auto is_agreed = std::make_shared<std::atomic<bool>>(false);
  callbacks.on_link = [link = &link_, number, is_agreed, tell = std::move(callbacks.on_link)](
                          const vsoa::stream& s, bool connected) {
    if (!*is_agreed) return;
    if (!connected) {
      (void)link->take(*number);  // its socket has not come, and will not be wanted
      link->control(field_writer(from_plugin::stream_ended).number(*number));
    }
    if (tell) tell(s, connected);
  };
  vsoa::stream_options here = options;
  here.reset_at_exit = true;
  auto awaited = link_.channels().await_stream(link_.loop_here(), std::move(callbacks), here);
  vsoa::stream_offer offer;
  if (!awaited.stream) {
    offer.error = std::make_error_code(std::errc::no_buffer_space);
    return offer;
  }
  *number = link_.keep(std::move(awaited.give));
  std::uint64_t error = EIO;
  const bool answered = link_.ask(
      ask::stream,
      [&](field_writer& w) {
        w.number(id_).number(client).number(*number);
        w.number(static_cast<std::uint64_t>(options.timeout.count()));
        w.number(static_cast<std::uint64_t>(options.keepalive.count()));
        *is_agreed = true;  // from now on it may come
      },
      [&](field_reader& r) {
        error = r.number();
        offer.tunid = r.number<std::uint16_t>(0xFFFF);
      });
  if (answered && error == 0 && offer.tunid != 0) {
    offer.stream = awaited.stream;
    return offer;
  }
  *is_agreed = false;
  (void)link_.take(*number);
  awaited.stream.abort();
  offer.tunid = 0;
  offer.error = {error == 0 ? EIO : static_cast<int>(error), std::generic_category()};
  return offer;
}

}  // namespace vsoad::isolation
