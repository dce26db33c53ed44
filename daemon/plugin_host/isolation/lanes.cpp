#include "plugin_host/isolation/lanes.hpp"

#include <utility>

#include "vsoa/url.hpp"

namespace vsoad::isolation {
namespace {

// What the process has not taken yet, on one channel; more calls are answered NO_MEMORY.
constexpr std::size_t outbox_bytes = std::size_t{16} << 20;
// A list of URLs in one packet.
constexpr std::size_t list_bytes = std::size_t{192} << 10;
// The process answers a call's time itself; this is for one that does not.
constexpr std::chrono::milliseconds timeout_grace{100};
// After a ping in vain: it may have been our own loop that was kept, and the answer there all the
// time.
constexpr std::chrono::milliseconds second_ping{250};
constexpr std::chrono::seconds connect_timeout{10};

vsoa::client_options client_options(std::size_t loop) {
  vsoa::client_options options;
  options.loop = loop;
  options.quick = false;
  // Whether the process lives its pings tell, and where it reads slowly the outbox fills.
  options.send_timeout = std::chrono::milliseconds(0);
  options.idle_ping = std::chrono::milliseconds(0);
  options.linger = std::chrono::milliseconds(0);
  options.limits.outbox = outbox_bytes;
  options.limits.partial_timeout = std::chrono::milliseconds(0);
  return options;
}

std::span<const std::byte> bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace

lane::lane(vsoa::runtime& loops, std::size_t loop, services_of& services, lane_counts& counts)
    : loops_(loops), loop_(loop), services_(services), counts_(counts) {}

void lane::connect(unique_fd channel, std::uint64_t process, const lane_events& events) {
  is_open_ = false;
  parts_.forget();
  process_ = process;
  events_ = events;
  client_ = std::make_unique<vsoa::client>(loops_, client_options(loop_));
  client_->on_datagram([this](std::string_view url, vsoa::payload_view payload, vsoa::channel) {
    arrived(url, payload);
  });
  client_->on_disconnect([this](std::error_code) {
    is_open_ = false;
    if (events_.ended) events_.ended(process_);
  });
  vsoa::connect_options options;
  options.timeout = connect_timeout;
  client_->start_connect_over(channel.release(), "plugin", std::move(options),
                              [this](std::error_code error, const vsoa::reply_view&) {
                                if (error == vsoa::errc::cancelled) return;
                                error ? events_.ended(process_) : events_.connected(process_);
                              });
}

void lane::open(std::uint64_t process) {
  // It may have died just after its start, and the channel's end have been told before this.
  if (process != process_ || !client_ || !client_->is_connected()) return;
  is_open_ = true;
  tell_clients(process);
}

void lane::tell_clients(std::uint64_t process) {
  if (process != process_ || !is_open_) return;
  // Each client's events come on its loop, this one, so none is told twice, and none is missed.
  for (const vsoa_service service : services_.ids()) {
    service_port* const port = services_.port(service);
    if (port == nullptr) continue;  // the service is gone, and the plugin about to follow
    listing(service, true);
    for (const vsoa::client_id id : port->clients()) {
      if (id % loops_.size() == loop_) client(service, id, true);
    }
    listing(service, false);
  }
}

void lane::listing(vsoa_service service, bool begins) {
  message m;
  m.kind = kind::listing;
  m.service = service;
  m.connected = begins;
  if (send(m, {}) || !client_->is_connected()) return;
  events_.broken(process_, "it does not read what it is sent");
}

void lane::disconnect(std::uint64_t process) {
  if (process != process_) return;
  is_open_ = false;
  events_ = {};
  client_.reset();
  parts_.forget();
}

// --- is it alive ---

void lane::ping(std::uint64_t process, std::chrono::milliseconds timeout) {
  if (process != process_ || !client_) return;
  client_->start_ping(
      [this](std::error_code error, const vsoa::reply_view&) { pinged(error, false); }, timeout);
}

void lane::pinged(std::error_code error, bool is_last) {
  if (!error || error == vsoa::errc::cancelled || !client_) return;
  if (error == vsoa::errc::closed || error == vsoa::errc::not_connected) {
    return events_.ended(process_);
  }
  if (error != vsoa::errc::timeout) return events_.broken(process_, "it takes no ping");
  if (is_last) return events_.broken(process_, "it has not answered a ping in time");
  client_->start_ping(
      [this](std::error_code again, const vsoa::reply_view&) { pinged(again, true); }, second_ping);
}

// --- to the plugin ---

bool lane::send_parts(message& m, vsoa::payload_view& payload) {
  const bool sent =
      send_ahead(m.ahead, m, payload, [this](std::string_view url, const vsoa::payload_view& part) {
        return client_->datagram(url, part);
      });
  if ((m.ahead & ahead::param) != 0) payload.param = {};
  if ((m.ahead & ahead::data) != 0) payload.data = {};
  return sent;
}

void lane::call(vsoa_service service, const route& where, std::uint16_t queue, vsoa::call& c) {
  if (!is_open_) return c.reply(vsoa::status::no_responding);
  message m;
  m.kind = kind::call;
  m.service = service;
  m.client = c.client();
  m.seqno = c.seqno();
  m.command = static_cast<std::uint16_t>(where.command);
  m.strip = static_cast<std::uint16_t>(where.strip);
  m.prefix = where.prefix;
  m.queue = queue;
  m.timeout_ms = static_cast<std::uint32_t>(where.timeout.count());
  m.has_more =
      where.strip != 0 || queue != 0 || where.timeout.count() != 0 || !where.prefix.empty();
  m.url = c.url();
  vsoa::request what;
  what.payload = c.payload();
  what.method = c.method();
  // Without a limit: as long as the process lives.
  what.timeout = where.timeout.count() > 0 ? where.timeout + timeout_grace : where.timeout;
  m.ahead = must_go_ahead(m, what.payload);
  if (m.ahead != 0 && !send_parts(m, what.payload)) {
    ++counts_.calls_refused;
    return c.reply(vsoa::status::no_memory);
  }
  write(m, url_);
  what.url = url_;
  count(1);
  client_->start_call(what, [this, right = c.defer()](std::error_code error,
                                                      const vsoa::reply_view& reply) mutable {
    answer(std::move(right), error, reply);
  });
}

void lane::count(std::size_t more) noexcept {
  under_way_.store(under_way_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

void lane::answer(vsoa::deferred_call right, std::error_code error, const vsoa::reply_view& reply) {
  count(~std::size_t{0});
  if (!error) [[likely]] {
    const bool is_dropped = reply.tunid == dropped_tunid && reply.status == dropped_status &&
                            reply.payload.param == dropped_param;
    if (is_dropped) return right.drop();
    return right.reply(reply.status, reply.payload, reply.tunid);
  }
  if (error == vsoa::errc::too_many_pending || error == vsoa::errc::outbox_full) {
    ++counts_.calls_refused;
    return right.reply(vsoa::status::no_memory);
  }
  if (error == vsoa::errc::timeout) ++counts_.calls_timed_out;
  right.reply(vsoa::status::no_responding);
}

bool lane::send(message& m, vsoa::payload_view payload) {
  m.ahead = must_go_ahead(m, payload);
  if (m.ahead != 0 && !send_parts(m, payload)) return false;
  write(m, url_);
  return client_->datagram(url_, payload);
}

void lane::datagram(vsoa_service service, vsoa::client_id client, std::string_view url,
                    const vsoa::payload_view& payload, vsoa::channel via) {
  if (!is_open_) return;
  message m;
  m.kind = kind::datagram;
  m.service = service;
  m.client = client;
  m.via = via;
  m.url = url;
  if (!send(m, payload)) ++counts_.datagrams_lost;
}

// As in the daemon: an event is never lost while its client stays.
void lane::client(vsoa_service service, vsoa::client_id id, bool connected) {
  if (!is_open_) return;
  message m;
  m.kind = kind::client;
  m.service = service;
  m.client = id;
  m.connected = connected;
  service_port* const port = services_.port(service);
  if (connected && port != nullptr) {
    const auto info = port->client(id);
    m.has_quick = info && info->quick_port != 0;
  }
  if (send(m, {})) return;
  if (connected) return send_away(service, id);
  if (!client_->is_connected()) return;
  events_.broken(process_, "it does not read what it is sent");
}

void lane::subscription(vsoa_service service, vsoa::client_id client,
                        std::span<const std::string_view> urls, bool subscribed) {
  if (!is_open_) return;
  message m;
  m.kind = subscribed ? kind::subscribed : kind::unsubscribed;
  m.service = service;
  m.client = client;
  std::string list;
  for (std::size_t i = 0; i < urls.size(); ++i) {
    put_url(urls[i], list);
    if (list.size() < list_bytes && i + 1 < urls.size()) continue;
    if (!send(m, {{}, bytes(list)})) return send_away(service, client);
    list.clear();
  }
}

void lane::send_away(vsoa_service service, vsoa::client_id client) {
  // With the process gone there is nobody who could miss them: the next one is told of all anew.
  if (!client_ || !client_->is_connected()) return;
  ++counts_.events_refused;
  if (service_port* const port = services_.port(service)) port->close(client);
}

// --- from the plugin ---

void lane::arrived(std::string_view url, const vsoa::payload_view& content) {
  auto m = read(url);
  vsoa::payload_view payload = content;
  if (m && parts_.take(*m, payload)) return;
  if (m && parts_.complete(*m, payload)) {
    (void)services_.perform(*m, payload);
  } else {
    ++counts_.malformed;
  }
  parts_.forget();
}

}  // namespace vsoad::isolation
