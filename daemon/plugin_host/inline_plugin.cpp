#include "plugin_host/inline_plugin.hpp"

#include <exception>
#include <future>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "plugin_host/host_table.hpp"
#include "plugin_host/loader.hpp"
#include "plugin_host/plugin_core.hpp"

namespace vsoad {
namespace {

vsoa_text text(std::string_view s) {
  return {s.data(), s.size()};
}
constexpr std::chrono::seconds start_limit{10};

vsoa_bytes bytes(std::span<const std::byte> b) {
  return {b.data(), b.size()};
}

}  // namespace

/// What the stall monitor names. They live as long as the plugin object.
struct inline_plugin::subjects {
  explicit subjects(const plugin_descriptor& d)
      : commands(d.commands.size()),
        datagram{"plugin " + d.name + ", a datagram", {}},
        client{"plugin " + d.name + ", a client's coming or going", {}},
        subscription{"plugin " + d.name + ", a subscription", {}} {
    for (std::size_t i = 0; i < commands.size(); ++i) {
      commands[i].name = text(d.commands[i]);
      commands[i].subject.name = "plugin " + d.name + ", command " + d.commands[i];
    }
  }

  struct served {
    vsoa_text name{};  // the descriptor's
    stall_subject subject;
  };
  std::vector<served> commands;  // as in the descriptor
  stall_subject datagram, client, subscription;
};

/// A call that waits for its turn, with memory of its own.
struct inline_plugin::call_copy {
  call_copy(const route& where, vsoa::call& call, const vsoa_request& original)
      : request(original), command(where.command), url(call.url()), param(call.payload().param) {
    const auto from = call.payload().data;
    data.assign(from.begin(), from.end());
    std::string scratch;
    path = where.path(url, [&]() -> std::string& { return scratch; });
    request.url = text(url);
    request.path = text(path);
    request.param = text(param);
    request.data = bytes(data);
    answer = call.defer();
  }

  vsoa_request request;  // points into the strings below
  std::size_t command;
  std::string url, path, param;
  std::vector<std::byte> data;
  vsoa::deferred_call answer;
  vsoa_call* token = nullptr;  // instead of `answer`, for a call whose time is limited
};

inline_plugin::inline_plugin(std::unique_ptr<library> code, environment& env,
                             const config::plugin_settings& settings, std::size_t number)
    : plugin(code->descriptor, code->path(), settings),
      code_(std::move(code)),
      core_(std::make_unique<plugin_core>(env, code_->descriptor.name,
                                          (code_->descriptor.flags & VSOA_PLUGIN_CONCURRENT) != 0,
                                          settings.work_queue, number)),
      subjects_(std::make_unique<subjects>(code_->descriptor)) {}

inline_plugin::~inline_plugin() = default;

bool inline_plugin::is_running() const noexcept {
  return is_running_.load(std::memory_order_acquire);
}
vsoa::work_queue* inline_plugin::queue_for(const route& where) const noexcept {
  // With a limit of time the plugin itself hands the call to its queue.
  if (where.work_queue.empty() || where.timeout.count() != 0) return nullptr;
  return core_->env.queues.find(where.work_queue);
}

plugin_state inline_plugin::state() const {
  plugin_state now;
  if (!is_running()) now.phase = "stopped";
  return now;
}

plugin_counts inline_plugin::counts() const {
  plugin_counts now;
  now.stalls = core_->timer_subject.stalls + core_->stream_subject.stalls +
               subjects_->datagram.stalls + subjects_->client.stalls +
               subjects_->subscription.stalls;
  for (const auto& command : subjects_->commands)
    now.stalls += command.subject.stalls;
  now.calls_refused = calls_refused_;
  now.calls_timed_out = core_->deferred.timeouts();
  now.datagrams_lost = datagrams_lost_;
  now.events_refused = events_refused_;
  return now;
}

void inline_plugin::metrics(std::vector<plugin_metric>& out) const {
  core_->metrics.snapshot(name(), out);
}

std::size_t inline_plugin::calls_deferred() const {
  return core_->deferred.count();
}

void inline_plugin::set_services(std::vector<vsoa_service> services) {
  core_->services.replace(std::make_shared<std::vector<vsoa_service>>(std::move(services)),
                          core_->env.old);
}

bool inline_plugin::is_quiet() const {
  return core_->deferred.count() == 0 && core_->streams.count() == 0 && core_->jobs.is_empty() &&
         core_->runner.is_empty();
}

/// Runs a callback of the plugin; what it throws is logged.
template <class Callback>
void inline_plugin::guarded(const char* what, Callback callback) noexcept {
  try {
    callback();
  } catch (const std::exception& e) {
    core_->log(vsoa::log_level::error, std::string(what) + " threw: " + e.what());
  } catch (...) {
    core_->log(vsoa::log_level::error, std::string(what) + " threw");
  }
}

std::string inline_plugin::start() {
  patience limit(start_limit);
  const auto result = std::make_shared<std::string>();  // it may come when nobody waits any more
  if (!run_apart(limit, [this, result] { *result = call_start(); })) {
    is_stuck_ = true;
    code_->abandon();
    return "its start() does not return: the plugin is abandoned";
  }
  const std::string reason = *result;
  if (reason.empty()) {
    is_running_.store(true, std::memory_order_release);
    core_->runner.open();
    core_->timers.open();
    return {};
  }
  if (close(limit)) {
    finish();
  } else {
    is_stuck_ = true;  // a job on a work queue, which start() added
    code_->abandon();
  }
  return reason;
}

void inline_plugin::rest() noexcept {
  (void)code_->unmap();
}

std::string inline_plugin::call_start() {
  core_->words.begin();
  std::string reason = try_start();
  const std::string said = core_->words.end();
  if (!reason.empty() && !said.empty()) reason += ": " + said;
  return reason;
}

std::string inline_plugin::try_start() {
  try {
    const int result = code_->descriptor.callbacks.start(&core_->host.table,
                                                         text(settings().config_json), &state_);
    if (result != 0) return "its start() returned " + std::to_string(result);
  } catch (const std::exception& e) {
    return std::string("its start() threw: ") + e.what();
  } catch (...) {
    return "its start() threw";
  }
  return {};
}

/// Lets nothing in any more and waits for what is inside.
bool inline_plugin::close(patience& limit) noexcept {
  core_->timers.close();
  core_->streams.close_all();
  core_->runner.close();
  core_->jobs.close();
  return limit.until([this](std::chrono::milliseconds slice) {
    return core_->runner.wait(slice) && core_->jobs.wait(slice);
  });
}

/// After its code has run for the last time: ends host calls and what is left of the plugin's.
void inline_plugin::finish() noexcept {
  core_->host_calls.close();
  // Host functions do not block; what is inside now is a thread that the plugin has left behind.
  const bool all_left = core_->host_calls.wait(std::chrono::seconds(1));
  if (const std::size_t unanswered = core_->deferred.close(); unanswered > 0) {
    core_->log(vsoa::log_level::info,
               std::to_string(unanswered) + " deferred calls were left and answered NO_RESPONDING");
  }
  if (!all_left) {
    code_->abandon();
  } else if (!code_->unmap()) {
    core_->log(vsoa::log_level::debug, "stays mapped: its library can't be unloaded safely");
  }
}

bool inline_plugin::stop(patience& limit) noexcept {
  if (!is_running_.exchange(false)) return !is_stuck_;
  if (!close(limit)) {
    return abandon("a callback or job does not return: the plugin is abandoned without stop()");
  }
  if (code_->descriptor.callbacks.stop != nullptr && !call_stop(limit)) {
    return abandon("its stop() does not return: the plugin is abandoned");
  }
  finish();
  return true;
}

bool inline_plugin::call_stop(patience& limit) noexcept {
  return run_apart(
      limit, [this] { guarded("stop()", [this] { code_->descriptor.callbacks.stop(state_); }); });
}

/// On a thread of its own, which is left to itself when it does not come back: what it uses stays.
template <class Work>
bool inline_plugin::run_apart(patience& limit, Work work) noexcept {
  try {
    std::packaged_task<void()> task(work);
    const std::future<void> done = task.get_future();
    std::thread runs_it(std::move(task));
    const bool has_returned = limit.until([&done](std::chrono::milliseconds slice) {
      return done.wait_for(slice) == std::future_status::ready;
    });
    has_returned ? runs_it.join() : runs_it.detach();
    return has_returned;
  } catch (const std::exception&) {  // no thread to be had
    work();
    return true;
  }
}

bool inline_plugin::abandon(std::string_view why) noexcept {
  is_stuck_ = true;
  core_->log(vsoa::log_level::error, why);
  // Should its code go on one day, it finds everything closed.
  core_->host_calls.close();
  (void)core_->host_calls.wait(std::chrono::milliseconds(100));
  core_->deferred.close();
  code_->abandon();
  return false;
}

[[gnu::always_inline]] inline void inline_plugin::run_command(const vsoa_request& request,
                                                              std::size_t command,
                                                              vsoa_call& call) noexcept {
  vsoa_call* const outer = std::exchange(vsoa_call::current, &call);
  bool has_thrown = true;
  try {
    code_->descriptor.callbacks.command(state_, &call, &request);
    has_thrown = false;
  } catch (const std::exception& e) {
    log_thrown(command, e.what());
  } catch (...) {
    log_thrown(command, nullptr);
  }
  vsoa_call::current = outer;
  if (call.is_open) [[unlikely]]
    end_unanswered(call, has_thrown);
}

void inline_plugin::log_thrown(std::size_t command, const char* what) const {
  std::string line = subjects_->commands[command].subject.name + " threw";
  if (what != nullptr) line.append(": ").append(what);
  core_->log(vsoa::log_level::error, line);
}

/// A callback that has neither answered nor deferred its call has chosen not to answer.
void inline_plugin::end_unanswered(vsoa_call& call, bool has_thrown) {
  if (call.direct != nullptr) {
    if (has_thrown) call.direct->reply(vsoa::status::no_responding);
    return;
  }
  if (call.token != nullptr) {
    if (auto right = core_->deferred.take(call.token)) *call.kept = std::move(*right);
  }
  if (has_thrown) {
    call.kept->reply(vsoa::status::no_responding);
  } else {
    core_->env.give_up(std::move(*call.kept));
  }
}

[[gnu::always_inline]] inline bool inline_plugin::find_path(vsoa_request& request,
                                                            const route& where,
                                                            std::string_view url) noexcept {
  try {
    request.path = text(where.path(url, []() -> std::string& {
      thread_local std::string scratch;
      return scratch;
    }));
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

[[gnu::always_inline]] inline void inline_plugin::run_now(const vsoa_request& request,
                                                          const route& where,
                                                          vsoa::call& call) noexcept {
  vsoa_call handle;
  handle.direct = &call;
  run_command(request, where.command, handle);
}

void inline_plugin::command(vsoa_service service, const route& where, vsoa::call& call) noexcept {
  auto& what = subjects_->commands[where.command];
  vsoa_request request;  // not cleared first: that takes longer than filling it in
  request.size = sizeof(request);
  request.service = service;
  request.seqno = call.seqno();
  request.client = client_handle(service, call.client());
  request.method = call.method() == vsoa::method::set ? VSOA_METHOD_SET : VSOA_METHOD_GET;
  request.url = text(call.url());
  request.command = what.name;
  request.param = text(call.payload().param);
  request.data = bytes(call.payload().data);
  if (!find_path(request, where, call.url())) [[unlikely]]
    return call.reply(vsoa::status::no_memory);
  const bool is_plain = where.timeout.count() <= 0 && where.work_queue.empty();
  const bool has_run =
      is_plain && core_->runner.try_on_loop(what.subject, [&] { run_now(request, where, call); });
  if (!has_run) command_later(where, call, request);
}

void inline_plugin::command_later(const route& where, vsoa::call& call,
                                  const vsoa_request& request) noexcept {
  const auto now = [&] { run_now(request, where, call); };
  if (where.timeout.count() > 0) return timed_command(where, call, request);
  if (!where.work_queue.empty()) {
    if (core_->runner.on_queue(now) == callback_runner::outcome::closed) {
      call.reply(vsoa::status::no_responding);
    }
    return;
  }
  std::shared_ptr<call_copy> copy;
  auto result = callback_runner::outcome::closed;
  guarded("keeping a call", [&] {
    result = core_->runner.on_loop(subjects_->commands[where.command].subject,
                                   callback_runner::importance::may_drop, now, [&] {
                                     copy = std::make_shared<call_copy>(where, call, request);
                                     return [this, copy] { run_copy(*copy); };
                                   });
  });
  if (result == callback_runner::outcome::closed) {
    call.reply(vsoa::status::no_responding);
  } else if (result == callback_runner::outcome::full) {
    calls_refused_.fetch_add(1, std::memory_order_relaxed);
    copy->answer.reply(vsoa::status::no_memory);
  }
}

void inline_plugin::timed_command(const route& where, vsoa::call& call,
                                  const vsoa_request& request) noexcept {
  std::shared_ptr<call_copy> copy;
  auto result = callback_runner::outcome::closed;
  guarded("keeping a call", [&] {
    copy = std::make_shared<call_copy>(where, call, request);
    copy->token = core_->deferred.add(std::move(copy->answer), where.timeout);
    if (copy->token != nullptr) result = hand_over(where, copy);
  });
  const bool is_full = result == callback_runner::outcome::full;
  if (is_full) calls_refused_.fetch_add(1, std::memory_order_relaxed);
  if (copy == nullptr || (!is_full && result != callback_runner::outcome::closed)) return;
  if (auto right = core_->deferred.take(copy->token)) {
    right->reply(is_full ? vsoa::status::no_memory : vsoa::status::no_responding);
  }
}

callback_runner::outcome inline_plugin::hand_over(const route& where,
                                                  const std::shared_ptr<call_copy>& copy) {
  using outcome = callback_runner::outcome;
  if (where.work_queue.empty()) {
    return core_->runner.on_loop(
        subjects_->commands[where.command].subject, callback_runner::importance::may_drop,
        [&] { run_copy(*copy); }, [&] { return [this, copy] { run_copy(*copy); }; });
  }
  vsoa::work_queue* const queue = core_->env.queues.find(where.work_queue);
  if (queue == nullptr) return outcome::closed;
  // Should the door be closed then, the end of the plugin has answered the call.
  // It keeps the plugin: nothing counts it before it runs.
  const bool added = queue->add([self = shared_from_this(), copy] {
    (void)self->core_->runner.on_queue([&] { self->run_copy(*copy); });
  });
  return added ? outcome::kept : outcome::full;
}

void inline_plugin::run_copy(call_copy& copy) noexcept {
  // Answered by its time already: nobody waits for what it would do.
  if (copy.token != nullptr && !core_->deferred.knows(copy.token)) return;
  vsoa_call handle;
  handle.kept = &copy.answer;
  handle.token = copy.token;
  run_command(copy.request, copy.command, handle);
}

void inline_plugin::datagram(vsoa_service service, vsoa::client_id client, std::string_view url,
                             vsoa::payload_view payload, vsoa::channel via) noexcept {
  const auto callback = code_->descriptor.callbacks.datagram;
  if (callback == nullptr) return;
  const vsoa_client from = client_handle(service, client);
  const auto run = [this, callback, from, via](std::string_view to, std::string_view param,
                                               std::span<const std::byte> data) {
    guarded("a datagram's callback", [&] {
      callback(state_, from, text(to), text(param), bytes(data), static_cast<int>(via));
    });
  };
  auto result = callback_runner::outcome::closed;
  guarded("keeping a datagram", [&] {
    result = core_->runner.event(
        subjects_->datagram, callback_runner::importance::may_drop,
        [&] { run(url, payload.param, payload.data); },
        [&] {
          return [run, to = std::string(url), param = std::string(payload.param),
                  data = std::vector<std::byte>(payload.data.begin(), payload.data.end())] {
            run(to, param, data);
          };
        });
  });
  if (result == callback_runner::outcome::full) {
    datagrams_lost_.fetch_add(1, std::memory_order_relaxed);
  }
}

// Of those that come more may come: a client that finds the plugin swamped is sent away. The end of
// a client is always told; there are no more of those than beginnings.
void inline_plugin::client(vsoa_service service, vsoa::client_id client, bool connected) noexcept {
  using importance = callback_runner::importance;
  tell_client(service, client, connected, connected ? importance::may_drop : importance::must_run);
}

void inline_plugin::client_is_there(vsoa_service service, vsoa::client_id client) noexcept {
  tell_client(service, client, true, callback_runner::importance::must_run);
}

void inline_plugin::tell_client(vsoa_service service, vsoa::client_id client, bool connected,
                                callback_runner::importance matters) noexcept {
  const auto callback = code_->descriptor.callbacks.client;
  if (callback == nullptr) return;
  const auto run = [this, callback, who = client_handle(service, client), connected] {
    guarded("a client's callback", [&] { callback(state_, who, connected ? 1 : 0); });
  };
  guarded("keeping an event", [&] {
    const auto outcome = core_->runner.event(subjects_->client, matters, run, [&] { return run; });
    if (outcome == callback_runner::outcome::full) send_away(service, client);
  });
}

void inline_plugin::subscription(vsoa_service service, vsoa::client_id client,
                                 std::span<const std::string_view> urls, bool subscribed) noexcept {
  const auto callback = code_->descriptor.callbacks.subscription;
  if (callback == nullptr || urls.empty()) return;
  const auto run = [this, callback, who = client_handle(service, client),
                    subscribed](const auto& list) {
    guarded("a subscription's callback", [&] {
      std::vector<vsoa_text> texts;
      texts.reserve(list.size());
      for (const auto& url : list)
        texts.push_back(text(url));
      callback(state_, who, texts.data(), texts.size(), subscribed ? 1 : 0);
    });
  };
  guarded("keeping an event", [&] {
    const auto outcome = core_->runner.event(
        subjects_->subscription, callback_runner::importance::may_drop, [&] { run(urls); },
        [&] {
          return
              [run, copies = std::vector<std::string>(urls.begin(), urls.end())] { run(copies); };
        });
    if (outcome == callback_runner::outcome::full) send_away(service, client);
  });
}

// An event is never lost while its client stays: the plugin would be wrong about it for ever.
void inline_plugin::send_away(vsoa_service service, vsoa::client_id client) {
  events_refused_.fetch_add(1, std::memory_order_relaxed);
  if (service_port* const port = core_->port(service)) port->close(client);
}

}  // namespace vsoad
