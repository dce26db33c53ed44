#include "plugin_host/child/daemon_link.hpp"

#include <utility>

#include "plugin_host/host_table.hpp"

namespace vsoad::isolation {

namespace {

// Of a thread that is no loop: not settled yet.
thread_local bool has_published = false;

}  // namespace

thread_local vsoa_client daemon_link::calling = 0;

daemon_link::daemon_link(vsoa::runtime& loops, vsoa::server& channels)
    : loops_(loops), channels_(channels), sessions_(loops.size()), answer_(max_message_bytes) {}

std::size_t daemon_link::loop_here() const noexcept {
  const std::size_t here = loops_.here();
  return here == loops_.size() ? 0 : here;
}

void daemon_link::channel_is_open(vsoa::client_id session) {
  sessions_[loop_here()] = session;
}

service_port::outcome daemon_link::send(message m, const vsoa::payload_view& payload) {
  const std::size_t here = loops_.here();
  if (here == loops_.size()) return perform(m, payload);
  const vsoa::client_id session = sessions_[here];
  m.ahead = must_go_ahead(m, payload);
  vsoa::payload_view rest = payload;
  if (m.ahead != 0) {
    const bool sent =
        send_ahead(m.ahead, m, payload, [&](std::string_view url, const vsoa::payload_view& part) {
          return channels_.datagram(session, url, part);
        });
    if (!sent) return service_port::outcome::full;
    if ((m.ahead & ahead::param) != 0) rest.param = {};
    if ((m.ahead & ahead::data) != 0) rest.data = {};
  }
  thread_local std::string url;
  write(m, url);
  return channels_.datagram(session, url, rest) ? service_port::outcome::ok
                                                : service_port::outcome::full;
}

service_port::outcome daemon_link::perform(message m, const vsoa::payload_view& payload) {
  if (m.kind == kind::publish) has_published = true;
  m.ahead = ahead::url;  // it stands beside
  std::string head;
  write(m, head);
  const std::string_view data(reinterpret_cast<const char*>(payload.data.data()),
                              payload.data.size());
  constexpr std::size_t small = max_message_bytes / 2;
  unique_fd memory;
  if (m.url.size() + payload.param.size() + data.size() > small) {
    field_writer large(ask::perform);
    large.text(m.url).text(payload.param).text(data);
    memory = share_text(large.bytes());
    if (!memory) return service_port::outcome::full;
  }
  auto outcome = service_port::outcome::full;
  (void)ask(
      ask::perform,
      [&](field_writer& w) {
        w.text(head);
        if (!memory) w.text(m.url).text(payload.param).text(data);
      },
      [&](field_reader& r) {
        switch (static_cast<performed>(r.number<std::uint8_t>(2))) {
          case performed::ok:
            outcome = service_port::outcome::ok;
            break;
          case performed::no_client:
            outcome = service_port::outcome::no_client;
            break;
          case performed::full:
            break;
        }
      },
      memory.get());
  return outcome;
}

bool daemon_link::ask(char kind, const std::function<void(field_writer&)>& fill,
                      const std::function<void(field_reader&)>& read, int fd) {
  const std::lock_guard lock(asking_);
  const std::uint64_t number = ++last_question_;
  field_writer w(kind);
  w.number(number);
  fill(w);
  if (!send_message(host_fd, w.bytes(), fd, true)) return false;
  for (;;) {
    const received got = receive_message(host_fd, answer_, true);
    if (got.state != received::what::message) return false;  // or its time is over
    field_reader r(got.bytes);
    if (r.kind() != ask::answer || r.number() != number) continue;  // of one that came too late
    read(r);
    return r.is_good();
  }
}

void daemon_link::settle() {
  if (!std::exchange(has_published, false)) return;
  (void)ask(
      ask::settle, [](field_writer&) {}, [](field_reader&) {});
}

void daemon_link::control(const field_writer& w, bool wait) const noexcept {
  (void)send_message(control_fd, w.bytes(), -1, wait);
}

// --- who is there ---

bool daemon_link::client_came(vsoa_client handle, bool has_quick) {
  const std::unique_lock lock(clients_mutex_);
  return clients_.insert_or_assign(handle, has_quick).second;
}

bool daemon_link::client_went(vsoa_client handle) {
  const std::unique_lock lock(clients_mutex_);
  return clients_.erase(handle) != 0;
}

bool daemon_link::is_there(vsoa_client handle, bool quick) const {
  if (handle == calling && !quick) return true;
  const std::shared_lock lock(clients_mutex_);
  const auto found = clients_.find(handle);
  return found != clients_.end() && (found->second || !quick);
}

std::set<vsoa_client> daemon_link::clients_here(vsoa_service service) const {
  const std::size_t here = loops_.here();
  std::set<vsoa_client> found;
  const std::shared_lock lock(clients_mutex_);
  for (const auto& [handle, has_quick] : clients_) {
    const auto id = static_cast<vsoa::client_id>(handle);
    if (client_handle(service, id) == handle && id % loops_.size() == here) found.insert(handle);
  }
  return found;
}

// --- streams ---

std::uint64_t daemon_link::keep(entrance give) {
  const std::lock_guard lock(streams_mutex_);
  streams_.emplace(++last_stream_, std::move(give));
  return last_stream_;
}

daemon_link::entrance daemon_link::take(std::uint64_t stream) {
  const std::lock_guard lock(streams_mutex_);
  const auto found = streams_.find(stream);
  if (found == streams_.end()) return {};
  entrance taken = std::move(found->second);
  streams_.erase(found);
  return taken;
}

}  // namespace vsoad::isolation
