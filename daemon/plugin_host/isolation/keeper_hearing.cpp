// What the process of an isolated plugin says and asks: heard, checked, answered.
#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "plugin_host/isolation/keeper.hpp"
#include "plugin_host/plugin_streams.hpp"
#include "vsoa/url.hpp"

namespace vsoad::isolation {
namespace {

constexpr std::size_t messages_in_a_turn = 64;
constexpr std::size_t max_streams = plugin_streams::max_streams;
constexpr std::size_t max_log_line_bytes = 4096 + 128;
constexpr std::size_t max_command_bytes = std::size_t{1} << 20;  // of all together
constexpr std::size_t max_log_lines = 100;                       // in log_interval
constexpr std::chrono::seconds log_interval{1};

/// A stream whose process is gone before it has the socket must not look as if it had ended well.
/// Once the process has it, that is its own to say.
void reset_if_lost(int socket) noexcept {
  constexpr linger at_once{1, 0};
  (void)::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace

bool log_limit::lets_through(std::chrono::steady_clock::time_point now) {
  if (lines_ < max_log_lines || now - since_ >= log_interval) {
    if (now - since_ >= log_interval) {
      since_ = now;
      lines_ = 0;
    }
    ++lines_;
    return true;
  }
  ++suppressed_;
  return false;
}

std::size_t log_limit::take_suppressed(std::chrono::steady_clock::time_point now) {
  return now - since_ >= log_interval ? std::exchange(suppressed_, 0) : 0;
}

std::string as_line(std::string_view text) {
  std::string line(text.substr(0, max_log_line_bytes));
  std::replace_if(
      line.begin(), line.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return line;
}

// --- what it says ---

void keeper::control_is_readable() {
  for (std::size_t i = 0; i < messages_in_a_turn && process_; ++i) {
    received got = receive_message(process_->control.get(), buffer_, false);
    if (got.state == received::what::nothing) return;
    if (got.state == received::what::end) {
      control_watch_.reset();
      return expect_end();
    }
    if (!take(got.bytes)) return give_up_on("what it says makes no sense");
  }
}

bool keeper::take(std::string_view bytes) {
  field_reader r(bytes);
  switch (r.kind()) {
    case from_plugin::command: {
      constexpr std::size_t most_commands = 1024;  // as for all plugins, and one to be refused
      if (has_hello_ || commands_.size() > most_commands) return false;
      const std::string_view url = r.text();
      command_bytes_ += url.size();
      if (url.size() > vsoa::max_url_bytes || command_bytes_ > max_command_bytes) return false;
      commands_.emplace_back(url);
      return r.is_complete();
    }
    case from_plugin::hello:
      return take_hello(bytes);
    case from_plugin::started: {
      const std::string_view reason = r.text();
      return r.is_complete() && started(reason);
    }
    case from_plugin::log:
      return take_log(r);
    case from_plugin::counter:
      return take_metric(r, true);
    case from_plugin::gauge:
      return take_metric(r, false);
    case from_plugin::counts:
      return take_counts(r);
    case from_plugin::stream_ended:
      stream_has_ended(r.number());
      return r.is_complete();
    case from_plugin::stopped:
      (void)r.number();
      return r.is_complete();
    default:
      return false;
  }
}

// The same checks as for a plugin in the daemon; and after a restart it is the same plugin.
bool keeper::take_hello(std::string_view bytes) {
  descriptor_text text;
  std::string reason;
  if (has_hello_ || !read_hello(bytes, text, reason)) return false;
  if (!reason.empty()) {
    why_ = as_line(reason);
    is_killed_ = true;
    process_->kill();
    return true;
  }
  std::vector<const char*> urls;
  for (const std::string& url : commands_)
    urls.push_back(url.c_str());
  urls.push_back(nullptr);
  vsoa_plugin p{};
  p.size = sizeof p;
  p.abi_major = VSOA_PLUGIN_ABI_MAJOR;
  p.abi_minor = VSOA_PLUGIN_ABI_MINOR;
  p.flags = static_cast<std::uint32_t>(text.flags);
  p.name = text.name.c_str();
  p.version = text.version.c_str();
  p.description = text.description.c_str();
  p.commands = urls.data();
  p.start = [](const vsoa_host*, vsoa_text, void**) { return 0; };
  if (text.has_command) p.command = [](void*, vsoa_call*, const vsoa_request*) {};
  if (text.has_datagram) {
    p.datagram = [](void*, vsoa_client, vsoa_text, vsoa_text, vsoa_bytes, int) {};
  }
  // It is told of all clients, as host functions ask whether one is there.
  p.client = [](void*, vsoa_client, int) {};
  if (text.has_subscription) {
    p.subscription = [](void*, vsoa_client, const vsoa_text*, std::size_t, int) {};
  }
  reason = read_descriptor(&p, settings_.setup.name, said_);
  if (!reason.empty()) {
    give_up_on(as_line(reason));
    return true;
  }
  if (descriptor_ &&
      (said_.commands != descriptor_->commands || said_.version != descriptor_->version)) {
    give_up_on("it calls itself another plugin than before");
    return true;
  }
  has_hello_ = true;
  loaded_if_ready();
  return true;
}

bool keeper::take_log(field_reader& r) {
  const auto level = r.number<int>(static_cast<std::uint64_t>(vsoa::log_level::error));
  std::string line = as_line(r.text());
  if (!r.is_complete()) return false;
  // Whatever it says, it says under its own name.
  const std::string own = "plugin " + settings_.setup.name;
  if (!line.starts_with(own + ":") && !line.starts_with(own + ",")) line = own + ": " + line;
  const auto now = std::chrono::steady_clock::now();
  tell_suppressed(now);
  if (log_ && log_limit_.lets_through(now)) log_(static_cast<vsoa::log_level>(level), line);
  return true;
}

void keeper::tell_suppressed(std::chrono::steady_clock::time_point now) {
  const std::size_t lines = log_limit_.take_suppressed(now);
  if (lines == 0) return;
  tell(vsoa::log_level::warning, std::to_string(lines) + " lines of its log are suppressed");
}

bool keeper::take_metric(field_reader& r, bool is_counter) {
  const std::string_view name = r.text();
  const std::uint64_t value = r.number();
  if (!r.is_complete()) return false;
  if (is_counter) {
    (void)metrics_.add(name, value);
  } else {
    (void)metrics_.set(name, std::bit_cast<double>(value));
  }
  return true;
}

bool keeper::take_counts(field_reader& r) {
  plugin_counts more;
  more.stalls = r.number();
  more.calls_refused = r.number();
  more.calls_timed_out = r.number();
  more.datagrams_lost = r.number();
  more.events_refused = r.number();
  const std::uint64_t deferred = r.number();
  const bool is_busy = r.number() != 0;
  if (!r.is_complete()) return false;
  const std::lock_guard lock(mutex_);
  counts_.stalls += more.stalls;
  counts_.calls_refused += more.calls_refused;
  counts_.calls_timed_out += more.calls_timed_out;
  counts_.datagrams_lost += more.datagrams_lost;
  counts_.events_refused += more.events_refused;
  deferred_ = static_cast<std::size_t>(deferred);
  is_busy_ = is_busy;
  return true;
}

// --- what it asks ---

void keeper::host_is_readable() {
  for (std::size_t i = 0; i < messages_in_a_turn && process_; ++i) {
    received got = receive_message(process_->host.get(), buffer_, false);
    if (got.state == received::what::nothing) return;
    if (got.state == received::what::end) {
      host_watch_.reset();
      return expect_end();
    }
    if (settles(got.bytes)) continue;
    const std::string answer =
        services_.answer(got.bytes, got.fd.get(),
                         [this](service_port& port, vsoa::client_id client, std::uint64_t number,
                                std::chrono::milliseconds timeout, std::chrono::seconds keepalive) {
                           return offer_stream(port, client, number, timeout, keepalive);
                         });
    if (answer.empty()) return give_up_on("what it asks makes no sense");
    // Who does not read the answers has none.
    (void)send_message(process_->host.get(), answer);
  }
}

/// What was performed has been posted to the loops; behind it goes the answer.
bool keeper::settles(std::string_view question) {
  field_reader r(question);
  if (r.kind() != ask::settle) return false;
  const std::uint64_t number = r.number();
  if (!r.is_complete()) return false;
  const auto missing = std::make_shared<std::atomic<std::size_t>>(lanes_.size());
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    loops_.post(i, [self = shared_from_this(), missing, number, n = number_] {
      if (missing->fetch_sub(1) != 1) return;
      self->thread_->post([self, number, n] {
        if (n != self->number_ || !self->process_) return;
        (void)send_message(self->process_->host.get(),
                           field_writer(ask::answer).number(number).bytes());
      });
    });
  }
  return true;
}

vsoa::stream_offer keeper::offer_stream(service_port& port, vsoa::client_id client,
                                        std::uint64_t number, std::chrono::milliseconds timeout,
                                        std::chrono::seconds keepalive) {
  vsoa::stream_offer refused;
  refused.error = std::make_error_code(std::errc::no_buffer_space);
  if (streams_.size() >= max_streams || streams_.contains(number)) return refused;
  vsoa::stream_options options;
  if (timeout.count() > 0) options.timeout = timeout;
  options.keepalive = keepalive;
  auto offer = port.hand_over_stream(
      client,
      [weak = weak_from_this(), n = number_, number](vsoa::handed_stream handed) {
        const unique_fd unless_taken(handed.socket);
        reset_if_lost(unless_taken.get());
        const auto self = weak.lock();
        if (!self) return;
        auto shared = std::make_shared<vsoa::handed_stream>(std::move(handed));
        shared->socket = ::fcntl(unless_taken.get(), F_DUPFD_CLOEXEC, 0);
        self->thread_->post(
            [self, n, number, shared] { self->stream_has_come(n, number, std::move(*shared)); });
      },
      options);
  if (offer) streams_.emplace(number, stream_entry{offer.cancel, nullptr});
  note_streams();
  return offer;
}

void keeper::note_streams() {
  const std::lock_guard lock(mutex_);
  stream_count_ = streams_.size();
}

void keeper::stream_has_ended(std::uint64_t number) {
  const auto found = streams_.find(number);
  if (found == streams_.end()) return;
  // Nobody is to come any more. One that has come ends by itself, behind what it has under way.
  if (found->second.place == nullptr) found->second.cancel();
  streams_.erase(found);
  note_streams();
}

void keeper::stream_has_come(std::uint64_t process, std::uint64_t number,
                             vsoa::handed_stream handed) {
  const unique_fd socket(handed.socket);
  const auto found = streams_.find(number);
  if (process != number_ || !process_ || found == streams_.end()) return;
  const int error = socket ? 0 : std::max(1, handed.error.value());
  field_writer w(to_plugin::stream);
  w.number(number).number(static_cast<std::uint64_t>(error));
  found->second.place = std::move(handed.place);
  if (!tell_process(w.bytes(), "it does not read what it is sent", socket.get())) return;
  if (error != 0) streams_.erase(found);
  note_streams();
}

}  // namespace vsoad::isolation
