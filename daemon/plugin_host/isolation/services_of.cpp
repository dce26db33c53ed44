#include "plugin_host/isolation/services_of.hpp"

#include <algorithm>

#include "vsoa/url.hpp"

namespace vsoad::isolation {
namespace {

constexpr std::uint64_t any_32 = 0xFFFFFFFF;
constexpr std::size_t most_clients_in_an_answer = 8192;
// Of a message that is shared as memory: fields beside a packet's worth.
constexpr std::size_t most_shared_bytes = vsoa::max_packet_bytes + vsoa::max_url_bytes + 64;
// Longer waits are this long.
constexpr std::uint64_t longest_ms = 24ULL * 3600 * 1000;

bool fits(const message& m, const vsoa::payload_view& payload) {
  const std::size_t limit =
      m.via == vsoa::channel::quick ? vsoa::max_quick_send_bytes : vsoa::max_packet_bytes;
  return m.url.size() + payload.param.size() + payload.data.size() <= limit - vsoa::header_bytes;
}

performed to_performed(service_port::outcome what) {
  switch (what) {
    case service_port::outcome::ok:
      return performed::ok;
    case service_port::outcome::no_client:
      return performed::no_client;
    case service_port::outcome::full:
      break;
  }
  return performed::full;
}

}  // namespace

void services_of::set(std::vector<vsoa_service> ids) {
  ids_.replace(std::make_shared<std::vector<vsoa_service>>(std::move(ids)), env_.old);
}

service_port* services_of::port(vsoa_service id) const noexcept {
  const auto& mine = ids();
  if (std::find(mine.begin(), mine.end(), id) == mine.end()) return nullptr;
  const hosted_service* const found = env_.find(id);
  return found == nullptr ? nullptr : found->port.get();
}

named_services services_of::list() const {
  named_services all;
  for (const vsoa_service id : ids()) {
    if (const hosted_service* const found = env_.find(id)) all.emplace_back(id, found->name);
  }
  return all;
}

// --- without an answer ---

performed services_of::perform(const message& m, const vsoa::payload_view& payload) {
  service_port* const to = port(m.service);
  if (to == nullptr) return performed::no_client;
  switch (m.kind) {
    case kind::publish:
      if (!vsoa::is_valid_url(m.url) || !fits(m, payload)) return performed::full;
      return to->publish(m.url, payload, m.via) ? performed::ok : performed::full;
    case kind::datagram:
      if (!vsoa::is_valid_url(m.url) || !fits(m, payload)) return performed::full;
      return to_performed(to->datagram(m.client, m.url, payload, m.via));
    case kind::change:
      return change(*to, m);
    case kind::part:
    case kind::call:
    case kind::client:
    case kind::listing:
    case kind::subscribed:
    case kind::unsubscribed:
      break;
  }
  return performed::no_client;
}

performed services_of::change(service_port& port, const message& m) {
  bool done = false;
  switch (m.what) {
    case change_of::authed:
      done = port.set_authed(m.client, m.value != 0);
      break;
    case change_of::priority:
      done = m.value <= vsoa::max_priority &&
             port.set_priority(m.client, static_cast<std::uint8_t>(m.value));
      break;
    case change_of::keepalive:
      done = port.set_keepalive(m.client, std::chrono::seconds(m.value));
      break;
    case change_of::send_timeout:
      done = port.set_send_timeout(m.client, std::chrono::milliseconds(m.value));
      break;
    case change_of::close:
      done = port.close(m.client);
      break;
  }
  return done ? performed::ok : performed::no_client;
}

// --- with an answer ---

std::string services_of::answer(std::string_view question, int fd, const stream_wish& stream) {
  const reclaimer::reader reading(env_.old);
  field_reader r(question);
  const char what = r.kind();
  const std::uint64_t number = r.number();
  field_writer w(ask::answer);
  w.number(number);
  switch (what) {
    case ask::perform:
      answer_perform(r, fd, w);
      break;
    case ask::is_subscribed:
      answer_subscribed(r, w, false);
      break;
    case ask::clients:
      answer_clients(r, w);
      break;
    case ask::client:
      answer_client(r, w);
      break;
    case ask::certificate:
      answer_certificate(r, w);
      break;
    case ask::client_is_subscribed:
      answer_subscribed(r, w, true);
      break;
    case ask::stream:
      answer_stream(r, w, stream);
      break;
    default:
      return {};
  }
  return r.is_complete() ? w.bytes() : std::string();
}

void services_of::answer_perform(field_reader& r, int fd, field_writer& w) {
  std::string shared;
  auto m = read(r.text());
  vsoa::payload_view payload;
  std::string_view data;
  if (fd >= 0) {
    auto text = read_shared_text(fd, most_shared_bytes);
    if (text) shared = std::move(*text);
    field_reader inner(shared);
    const bool is_ours = inner.kind() == ask::perform;
    if (m) m->url = inner.text();
    payload.param = inner.text();
    data = inner.text();
    if (!is_ours || !inner.is_complete()) m.reset();
  } else {
    const std::string_view url = r.text();
    if (m) m->url = url;
    payload.param = r.text();
    data = r.text();
  }
  payload.data = {reinterpret_cast<const std::byte*>(data.data()), data.size()};
  const auto outcome = m && r.is_complete() ? perform(*m, payload) : performed::full;
  w.number(static_cast<std::uint64_t>(outcome));
}

void services_of::answer_clients(field_reader& r, field_writer& w) {
  service_port* const of = port(r.number<vsoa_service>(any_32));
  const std::uint64_t first = r.number();
  const std::vector<vsoa::client_id> all =
      of == nullptr ? std::vector<vsoa::client_id>() : of->clients();
  const auto begin = static_cast<std::size_t>(std::min<std::uint64_t>(first, all.size()));
  const std::size_t count = std::min(all.size() - begin, most_clients_in_an_answer);
  w.number(all.size()).number(count);
  for (std::size_t i = 0; i < count; ++i)
    w.number(all[begin + i]);
}

void services_of::answer_client(field_reader& r, field_writer& w) {
  service_port* const of = port(r.number<vsoa_service>(any_32));
  const auto id = r.number<vsoa::client_id>(any_32);
  const auto info = of == nullptr ? std::nullopt : of->client(id);
  w.number(info ? 1 : 0);
  if (!info) return;
  w.text(info->address.to_string()).text(info->local.to_string());
  w.text(std::string_view(info->role).substr(0, 256));
  w.number(info->authed).number(info->priority).number(info->quick_port);
}

void services_of::answer_certificate(field_reader& r, field_writer& w) {
  service_port* const of = port(r.number<vsoa_service>(any_32));
  const auto id = r.number<vsoa::client_id>(any_32);
  const auto der = of == nullptr ? std::nullopt : of->certificate(id);
  const bool is_there = der && der->size() < max_message_bytes - 64;
  w.number(is_there ? 1 : 0);
  if (is_there) w.text({reinterpret_cast<const char*>(der->data()), der->size()});
}

void services_of::answer_subscribed(field_reader& r, field_writer& w, bool of_client) {
  service_port* const of = port(r.number<vsoa_service>(any_32));
  const auto id = of_client ? r.number<vsoa::client_id>(any_32) : 0;
  const std::string_view url = r.text();
  constexpr std::uint64_t no_client = 2;
  std::uint64_t answer = of_client ? no_client : 0;
  if (of != nullptr && vsoa::is_valid_url(url)) {
    if (!of_client) {
      answer = of->is_subscribed(url) ? 1 : 0;
    } else if (const auto takes = of->is_subscribed(id, url)) {
      answer = *takes ? 1 : 0;
    }
  }
  w.number(answer);
}

void services_of::answer_stream(field_reader& r, field_writer& w, const stream_wish& stream) {
  service_port* const of = port(r.number<vsoa_service>(any_32));
  const auto id = r.number<vsoa::client_id>(any_32);
  const std::uint64_t number = r.number();
  const auto timeout = std::chrono::milliseconds(std::min(r.number(), longest_ms));
  const auto keepalive = std::chrono::seconds(std::min(r.number(), longest_ms / 1000));
  vsoa::stream_offer offer;
  offer.error = std::make_error_code(std::errc::not_connected);
  if (of != nullptr && r.is_complete()) offer = stream(*of, id, number, timeout, keepalive);
  const int error = offer ? 0 : std::max(1, offer.error.value());
  w.number(static_cast<std::uint64_t>(error)).number(offer.tunid);
}

}  // namespace vsoad::isolation
