#include "plugin_host/child/runner.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <bit>
#include <set>
#include <thread>
#include <utility>

#include "plugin_host/child/remote_port.hpp"
#include "plugin_host/child/sandbox.hpp"
#include "plugin_host/host_table.hpp"
#include "plugin_host/loader.hpp"
#include "plugin_host/plugin_streams.hpp"

namespace vsoad::isolation {
namespace {

// Of what the plugin counts: told so often.
constexpr std::chrono::milliseconds report_interval{200};
// For an answer of the daemon, whose thread for this never waits for a plugin.
constexpr timeval answer_timeout{5, 0};
constexpr std::size_t most_config_bytes = std::size_t{4} << 20;
constexpr std::size_t outbox_bytes = std::size_t{64} << 20;

// The one client of each loop is the daemon, which reads as fast as it can; whether it lives the
// control socket tells.
vsoa::server_options channel_options() {
  vsoa::server_options options;
  options.limits.send_timeout = std::chrono::milliseconds(0);
  options.limits.partial_timeout = std::chrono::milliseconds(0);
  options.limits.outbox = outbox_bytes;
  options.limits.slow = vsoa::slow_consumer::drop;
  options.limits.streams = plugin_streams::max_streams + 64;
  options.limits.streams_per_client = options.limits.streams;
  return options;
}

void tell_drop(vsoa::deferred_call call) {
  call.reply(dropped_status, {dropped_param, {}}, dropped_tunid);
}

// The process has one.
daemon_link* the_link = nullptr;

std::map<std::string, config::work_queue_settings> queue_settings(const setup& s) {
  std::map<std::string, config::work_queue_settings> all;
  for (const auto& q : s.queues) {
    config::work_queue_settings one;
    one.threads = static_cast<std::size_t>(q.threads);
    one.limit = static_cast<std::size_t>(q.limit);
    all[q.name] = one;
  }
  return all;
}

}  // namespace

// --- calls ---

/// A client's call, whose answer goes the way on which it has come.
class runner::relayed_call final : public vsoa::call {
 public:
  relayed_call(vsoa::call& from, const message& m, const vsoa::payload_view& payload)
      : from_(from) {
    client_ = m.client;
    url_ = m.url;
    method_ = from.method();
    seqno_ = m.seqno;
    payload_ = payload;
  }
  ~relayed_call() = default;
  /// What was neither answered nor deferred: the daemon waits for it no longer.
  void finish() {
    if (open_) tell_drop(from_.defer());
  }

 private:
  void do_reply(vsoa::status s, const vsoa::payload_view& payload, std::uint16_t tunid) override {
    from_.reply(s, payload, tunid);
  }
  vsoa::deferred_call do_defer() override { return from_.defer(); }

  vsoa::call& from_;
};

/// The same on a work queue: a copy.
class runner::queued_call final : public vsoa::call {
 public:
  queued_call(vsoa::call& from, const message& m, const vsoa::payload_view& payload)
      : url_text_(m.url),
        param_(payload.param),
        data_(payload.data.begin(), payload.data.end()),
        right_(from.defer()) {
    client_ = m.client;
    url_ = url_text_;
    method_ = from.method();
    seqno_ = m.seqno;
    payload_ = {param_, data_};
    where.command = m.command;
    where.strip = m.strip;
    where.prefix = m.prefix;
  }
  ~queued_call() = default;
  void finish() {
    if (open_) tell_drop(std::move(right_));
  }
  void refuse() { right_.reply(vsoa::status::no_memory); }

  route where;

 private:
  void do_reply(vsoa::status s, const vsoa::payload_view& payload, std::uint16_t tunid) override {
    right_.reply(s, payload, tunid);
  }
  vsoa::deferred_call do_defer() override { return std::move(right_); }

  const std::string url_text_;
  const std::string param_;
  const std::vector<std::byte> data_;
  vsoa::deferred_call right_;
};

/// What belongs to one loop; its thread's alone.
struct runner::lane {
  isolation::parts parts;
  route where;
  bool is_listing = false;
  std::set<vsoa_client> unlisted;  // of those that are known; while it is listed who is there
};

// --- the beginning ---

runner::runner(setup wanted)
    : setup_(std::move(wanted)),
      loops_({static_cast<std::size_t>(setup_.loops),
              [this](vsoa::log_level level, std::string_view line) {
                link_.control(field_writer(from_plugin::log)
                                  .number(static_cast<std::uint64_t>(level))
                                  .text(line.substr(0, max_message_bytes / 2)));
              }}),
      channels_(loops_, channel_options()),
      link_(loops_, channels_),
      old_(loops_),
      lanes_(static_cast<std::size_t>(setup_.loops)) {
  const auto log = [this](vsoa::log_level level, std::string_view line) {
    link_.control(field_writer(from_plugin::log)
                      .number(static_cast<std::uint64_t>(level))
                      .text(line.substr(0, max_message_bytes / 2)));
  };
  env_ = std::make_unique<environment>(
      loops_, old_, log, std::chrono::milliseconds(setup_.stall_ms), queue_settings(setup_));
  env_->on_drop = tell_drop;
  the_link = &link_;
  env_->before_answer = [] { the_link->settle(); };
  (void)::setsockopt(host_fd, SOL_SOCKET, SO_RCVTIMEO, &answer_timeout, sizeof answer_timeout);
}

runner::~runner() {
  channels_.stop();
  loops_.stop();
}

bool runner::load() {
  std::string reason = enter_sandbox({setup_.memory, setup_.files});
  std::unique_ptr<library> code;
  if (reason.empty()) {
    code = map_library(private_copy::of_descriptor(unique_fd(code_fd)), setup_.path, setup_.name,
                       reason);
  }
  if (!code) {
    (void)send_message(control_fd, write_refusal(reason.substr(0, 4096)), -1, true);
    return false;
  }
  descriptor_text about;
  about.name = code->descriptor.name;
  about.version = code->descriptor.version;
  about.description = code->descriptor.description;
  about.flags = code->descriptor.flags;
  about.has_command = code->descriptor.callbacks.command != nullptr;
  about.has_datagram = code->descriptor.callbacks.datagram != nullptr;
  about.has_client = code->descriptor.callbacks.client != nullptr;
  about.has_subscription = code->descriptor.callbacks.subscription != nullptr;
  code_ = std::move(code);
  loops_.start();
  open_channels();
  for (const std::string& url : code_->descriptor.commands)
    link_.control(field_writer(from_plugin::command).text(url));
  (void)send_message(control_fd, write_hello(about), -1, true);
  return true;
}

void runner::open_channels() {
  channels_.on_client([this](vsoa::client_id session, bool connected) {
    if (connected) link_.channel_is_open(session);
  });
  channels_.on_datagram([this](vsoa::client_id, std::string_view url, vsoa::payload_view payload,
                               vsoa::channel) { on_event(url, payload); });
  (void)channels_.command("/", [this](vsoa::call& c) { on_call(c); });
  channels_.start();
  for (std::size_t i = 0; i < lanes_.size(); ++i)
    channels_.adopt(first_channel_fd + static_cast<int>(i), i);
}

// --- what the daemon says ---

int runner::run() {
  std::vector<char> buffer(max_message_bytes);
  auto next_report = std::chrono::steady_clock::now() + report_interval;
  for (;;) {
    pollfd wait{control_fd, POLLIN, 0};
    const auto now = std::chrono::steady_clock::now();
    if (now >= next_report) {
      report();
      (void)old_.collect(std::chrono::milliseconds(0));
      next_report = now + report_interval;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next_report - now);
    if (::poll(&wait, 1, static_cast<int>(left.count())) <= 0) continue;
    received got = receive_message(control_fd, buffer, false);
    if (got.state == received::what::nothing) continue;
    if (got.state == received::what::end) return 0;  // the daemon is no more
    if (got.bytes.front() == to_plugin::stop) {
      field_reader r(got.bytes.substr(1));
      return stop(std::chrono::milliseconds(r.number<std::int64_t>(600000)));
    }
    if (!handle(got)) return 3;
  }
}

bool runner::handle(received& message) {
  switch (message.bytes.front()) {
    case to_plugin::start:
      start(message.bytes, message.fd.get());
      return true;
    case to_plugin::services: {
      auto ids = take_services(message.bytes);
      if (plugin_) plugin_->set_services(std::move(ids));
      return true;
    }
    case to_plugin::stream:
      take_stream(message.bytes, std::move(message.fd));
      return true;
    default:
      return false;
  }
}

void runner::start(std::string_view bytes, int config) {
  std::string reason;
  auto text = read_shared_text(config, most_config_bytes);
  if (!text) {
    reason = "its config can't be read";
  } else {
    config::plugin_settings settings;
    settings.work_queue = setup_.work_queue;
    settings.config_json = std::move(*text);
    auto ids = take_services(bytes);
    plugin_ = std::make_shared<inline_plugin>(std::move(code_), *env_, settings, 0);
    plugin_->set_services(std::move(ids));
    reason = plugin_->start();
    if (reason.empty()) live_ = plugin_.get();
  }
  link_.control(field_writer(from_plugin::started).text(reason.substr(0, 4096)));
}

std::vector<vsoa_service> runner::take_services(std::string_view bytes) {
  named_services list;
  auto table = std::make_shared<environment::services_table>();
  std::vector<vsoa_service> ids;
  if (!read_services(bytes, list)) return ids;
  for (const auto& [id, name] : list) {
    ids.push_back(id);
    table->push_back({id, name, std::make_shared<remote_port>(link_, id)});
  }
  env_->services.replace(std::move(table), old_);
  return ids;
}

void runner::take_stream(std::string_view bytes, unique_fd socket) {
  field_reader r(bytes.substr(1));
  const std::uint64_t number = r.number();
  const auto error = r.number<int>(4096);
  const auto give = link_.take(number);
  if (!r.is_complete() || !give) return;
  give(socket.release(),
       error == 0 ? std::error_code{} : std::error_code(error, std::generic_category()));
}

// --- the end ---

int runner::stop(std::chrono::milliseconds limit) {
  patience left(limit);
  const bool in_time = !plugin_ || plugin_->stop(left);
  report();
  if (in_time) flush();
  link_.control(field_writer(from_plugin::stopped).number(in_time ? 1 : 0));
  return in_time ? 0 : 4;
}

// What the plugin has answered and published at the end is to reach the daemon.
void runner::flush() {
  channels_.drain();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  while (!channels_.idle() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

// --- what it counts ---

void runner::report() {
  if (!plugin_) return;
  std::vector<plugin_metric> now;
  plugin_->metrics(now);
  for (const plugin_metric& m : now) {
    plugin_metric& told = told_metrics_[m.name];
    const bool is_new = told.name.empty();
    if (m.is_counter && (is_new || m.count != told.count)) {
      link_.control(field_writer(from_plugin::counter).text(m.name).number(m.count - told.count));
    } else if (!m.is_counter && (is_new || m.value != told.value)) {
      link_.control(field_writer(from_plugin::gauge)
                        .text(m.name)
                        .number(std::bit_cast<std::uint64_t>(m.value)));
    }
    told = m;
  }
  const plugin_counts counts = plugin_->counts();
  const std::size_t deferred = plugin_->calls_deferred();
  const bool is_busy = !plugin_->is_quiet();
  if (counts == told_counts_ && deferred == told_deferred_ && is_busy == told_busy_) return;
  link_.control(field_writer(from_plugin::counts)
                    .number(counts.stalls - told_counts_.stalls)
                    .number(counts.calls_refused - told_counts_.calls_refused)
                    .number(counts.calls_timed_out - told_counts_.calls_timed_out)
                    .number(counts.datagrams_lost - told_counts_.datagrams_lost)
                    .number(counts.events_refused - told_counts_.events_refused)
                    .number(deferred)
                    .number(is_busy));
  told_counts_ = counts;
  told_deferred_ = deferred;
  told_busy_ = is_busy;
}

// --- on the loops ---

void runner::on_call(vsoa::call& c) {
  lane& l = lanes_[link_.loop_here()];
  auto m = read(c.url());
  vsoa::payload_view payload = c.payload();
  const bool is_call = m && m->kind == kind::call && l.parts.complete(*m, payload) && live_ &&
                       m->command < live_.load()->commands().size() &&
                       m->queue <= setup_.queues.size();
  if (!is_call) {
    l.parts.forget();
    return c.reply(vsoa::status::no_responding);
  }
  daemon_link::calling = client_handle(m->service, m->client);
  if (m->queue != 0 && m->timeout_ms == 0) {
    queue_call(*m, payload, c);
  } else {
    l.where.command = m->command;
    l.where.strip = m->strip;
    l.where.timeout = std::chrono::milliseconds(m->timeout_ms);
    // One call is mostly like the one before: nothing to replace.
    if (l.where.prefix != m->prefix) l.where.prefix = m->prefix;
    std::string_view queue;
    if (m->queue != 0) queue = setup_.queues[m->queue - 1U].name;
    if (l.where.work_queue != queue) l.where.work_queue = queue;
    relayed_call call(c, *m, payload);
    live_.load()->command(m->service, l.where, call);
    call.finish();
  }
  daemon_link::calling = 0;
  l.parts.forget();
}

// As the server of the service does with it where the plugin is in the daemon.
void runner::queue_call(const message& m, const vsoa::payload_view& payload, vsoa::call& c) {
  const std::string& name = setup_.queues[m.queue - 1U].name;
  const auto copy = std::make_shared<queued_call>(c, m, payload);
  copy->where.work_queue = name;
  vsoa::work_queue* const queue = env_->queues.find(name);
  const bool added =
      queue != nullptr && queue->add([this, copy, service = m.service, client = m.client] {
        daemon_link::calling = client_handle(service, client);
        live_.load()->command(service, copy->where, *copy);
        copy->finish();
        daemon_link::calling = 0;
      });
  if (!added) copy->refuse();
}

void runner::on_event(std::string_view url, const vsoa::payload_view& content) {
  lane& l = lanes_[link_.loop_here()];
  auto m = read(url);
  if (!m) return;
  vsoa::payload_view payload = content;
  if (l.parts.take(*m, payload)) return;
  const bool is_whole = l.parts.complete(*m, payload);
  if (inline_plugin* const plugin = live_; plugin != nullptr && is_whole) {
    switch (m->kind) {
      case kind::client:
        on_client(*m);
        break;
      case kind::listing:
        on_listing(*m);
        break;
      case kind::datagram:
        plugin->datagram(m->service, m->client, m->url, payload, m->via);
        break;
      case kind::subscribed:
      case kind::unsubscribed:
        tell_urls(*m, payload.data);
        break;
      case kind::part:
      case kind::call:
      case kind::publish:
      case kind::change:
        break;
    }
  }
  l.parts.forget();
}

// It may be told twice of one: by the daemon's service, and by a list of who is there.
void runner::on_client(const message& m) {
  lane& l = lanes_[link_.loop_here()];
  const vsoa_client handle = client_handle(m.service, m.client);
  if (l.is_listing) l.unlisted.erase(handle);
  const bool is_news =
      m.connected ? link_.client_came(handle, m.has_quick) : link_.client_went(handle);
  if (!is_news) return;
  if (l.is_listing) return live_.load()->client_is_there(m.service, m.client);
  live_.load()->client(m.service, m.client, m.connected);
}

void runner::on_listing(const message& m) {
  lane& l = lanes_[link_.loop_here()];
  l.is_listing = m.connected;
  if (m.connected) {
    l.unlisted = link_.clients_here(m.service);
    return;
  }
  for (const vsoa_client gone : std::exchange(l.unlisted, {})) {
    if (!link_.client_went(gone)) continue;
    live_.load()->client(m.service, static_cast<vsoa::client_id>(gone), false);
  }
}

void runner::tell_urls(const message& m, std::span<const std::byte> list) {
  std::vector<std::string_view> urls;
  for (std::string_view url; take_url(list, url);)
    urls.push_back(url);
  live_.load()->subscription(m.service, m.client, urls, m.kind == kind::subscribed);
}

}  // namespace vsoad::isolation
