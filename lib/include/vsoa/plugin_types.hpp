// What the code of a C++ plugin handles: calls, the host, timers, bytes. Include vsoa/plugin.hpp.
#ifndef VSOA_PLUGIN_TYPES_HPP
#define VSOA_PLUGIN_TYPES_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "vsoa/plugin.h"

namespace vsoa {
namespace plugin {

using service = ::vsoa_service;
using client = ::vsoa_client;

/// Statuses of replies; the plugin's own are `static_cast<status>(128)` to 255.
enum class status : int {
  success = VSOA_STATUS_SUCCESS,
  password = VSOA_STATUS_PASSWORD,
  arguments = VSOA_STATUS_ARGUMENTS,
  invalid_url = VSOA_STATUS_INVALID_URL,
  no_responding = VSOA_STATUS_NO_RESPONDING,
  no_permissions = VSOA_STATUS_NO_PERMISSIONS,
  no_memory = VSOA_STATUS_NO_MEMORY,
  proxy = VSOA_STATUS_PROXY
};

enum class method : int { get = VSOA_METHOD_GET, set = VSOA_METHOD_SET };
enum class channel : int { normal = VSOA_NORMAL, quick = VSOA_QUICK };
enum class level : int {
  trace = VSOA_LOG_TRACE,
  debug = VSOA_LOG_DEBUG,
  info = VSOA_LOG_INFO,
  warning = VSOA_LOG_WARNING,
  error = VSOA_LOG_ERROR
};

/// Bytes that belong to somebody else.
struct bytes {
  /// Where they are; null: none.
  const void* data = nullptr;
  /// How many they are.
  std::size_t size = 0;

  constexpr bytes() noexcept = default;
  /// Of anybody.
  constexpr bytes(const void* pointer, std::size_t length) noexcept : data(pointer), size(length) {}
  /// Of the host.
  constexpr bytes(vsoa_bytes raw) noexcept : data(raw.ptr), size(raw.len) {}
  /// Of any container of bytes: std::string, std::vector<std::byte>, std::array<unsigned char, N>.
  template <class Container, class = decltype(std::declval<const Container&>().data()),
            class = std::enable_if_t<sizeof(*std::declval<const Container&>().data()) == 1 &&
                                     !std::is_same<std::decay_t<Container>, bytes>::value>>
  constexpr bytes(const Container& container) noexcept
      : data(container.data()), size(container.size()) {}

  /// As text.
  std::string_view text() const noexcept { return {static_cast<const char*>(data), size}; }
};

namespace detail {

inline vsoa_text to_c(std::string_view text) noexcept {
  return {text.data(), text.size()};
}
inline vsoa_bytes to_c(bytes b) noexcept {
  return {b.data, b.size};
}
inline std::string_view view(vsoa_text text) noexcept {
  return text.len == 0 ? std::string_view() : std::string_view(text.ptr, text.len);
}

/// Logs the exception that is being handled.
inline void log_exception(const vsoa_host* host, const char* where) noexcept {
  try {
    std::string line(where);
    try {
      throw;
    } catch (const std::exception& e) {
      line += ": ";
      line += e.what();
    } catch (...) {
      line += ": unknown exception";
    }
    host->log(host, VSOA_LOG_ERROR, to_c(std::string_view(line)));
  } catch (...) {  // no memory to say so
  }
}

/// What timers call, by number: a timer's last call may still be on its way when the timer is gone.
class timer_functions {
 public:
  using function = std::function<void()>;
  struct entry {
    const vsoa_host* host = nullptr;
    function call;
    bool is_single = false;
  };

  std::uintptr_t add(entry fresh) {
    // Not make_shared: its unique symbol in libstdc++ would keep the plugin mapped for ever.
    std::shared_ptr<entry> kept(new entry(std::move(fresh)));
    const std::lock_guard<std::mutex> lock(mutex_);
    entries_.emplace(++last_, std::move(kept));
    return last_;
  }
  void remove(std::uintptr_t number) noexcept {
    std::shared_ptr<entry> gone;  // destroyed after the lock
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(number);
    if (found == entries_.end()) return;
    gone = std::move(found->second);
    entries_.erase(found);
  }
  std::shared_ptr<entry> find(std::uintptr_t number) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(number);
    return found == entries_.end() ? nullptr : found->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::uintptr_t, std::shared_ptr<entry>> entries_;
  std::uintptr_t last_ = 0;
};

// Hidden, so that each plugin has one of its own and can be unmapped.
__attribute__((visibility("hidden"))) inline timer_functions& timers() {
  static timer_functions functions;
  return functions;
}

inline void run_timer(void* argument) noexcept {
  const auto number = reinterpret_cast<std::uintptr_t>(argument);
  std::shared_ptr<timer_functions::entry> entry = timers().find(number);
  if (!entry) return;
  if (entry->is_single) timers().remove(number);
  try {
    entry->call();
  } catch (...) {
    log_exception(entry->host, "a timer threw");
  }
}

struct queued_job {
  const vsoa_host* host;
  std::function<void()> work;
};

inline void run_job(void* argument) noexcept {
  const std::unique_ptr<queued_job> job(static_cast<queued_job*>(argument));
  try {
    job->work();
  } catch (...) {
    log_exception(job->host, "a job threw");
  }
}

}  // namespace detail

/// The right to answer a call later, from any thread. Destroyed unanswered, it answers
/// NO_RESPONDING.
class deferred_call {
 public:
  deferred_call() noexcept = default;
  /// For the face itself.
  deferred_call(const vsoa_host* host, vsoa_call* raw) noexcept : host_(host), call_(raw) {}
  /// Takes the right over.
  deferred_call(deferred_call&& other) noexcept
      : host_(other.host_), call_(std::exchange(other.call_, nullptr)) {}
  /// Takes the right over; the one that it had is dropped.
  deferred_call& operator=(deferred_call&& other) noexcept {
    std::swap(host_, other.host_);
    std::swap(call_, other.call_);
    return *this;
  }
  ~deferred_call() { reply(status::no_responding); }

  /// Whether the answer is still owed.
  explicit operator bool() const noexcept { return call_ != nullptr; }

  /// @return VSOA_OK or an error of plugin.h; a second answer does nothing
  int reply(status s, std::string_view param = {}, bytes data = {},
            std::uint16_t tunid = 0) noexcept {
    if (call_ == nullptr) return VSOA_E_NOT_FOUND;
    return host_->reply(host_, std::exchange(call_, nullptr), static_cast<int>(s),
                        detail::to_c(param), detail::to_c(data), tunid);
  }
  /// Success, with JSON text.
  int reply(std::string_view param, bytes data = {}) noexcept {
    return reply(status::success, param, data);
  }
  /// Gives the call up: no answer is sent.
  void drop() noexcept {
    if (call_ != nullptr) host_->drop(host_, std::exchange(call_, nullptr));
  }

 private:
  const vsoa_host* host_ = nullptr;
  vsoa_call* call_ = nullptr;
};

/// An RPC, while its handler runs. Returning without having answered or deferred it means that the
/// client gets no answer.
class call {
 public:
  /// For the face itself.
  call(const vsoa_host* host, vsoa_call* raw, const vsoa_request& request) noexcept
      : host_(host), call_(raw), request_(request) {}
  call(const call&) = delete;
  call& operator=(const call&) = delete;

  /// As the client has sent it.
  std::string_view url() const noexcept { return detail::view(request_.url); }
  /// Which of the plugin's commands this is.
  std::string_view command() const noexcept { return detail::view(request_.command); }
  /// The URL as the plugin declares it, without the mount point.
  std::string_view path() const noexcept { return detail::view(request_.path); }
  /// JSON text, unchecked; empty: none.
  std::string_view param() const noexcept { return detail::view(request_.param); }
  /// What came beside the param.
  bytes data() const noexcept { return request_.data; }
  /// GET or SET.
  plugin::method method() const noexcept { return static_cast<plugin::method>(request_.method); }
  /// Who calls.
  plugin::client client() const noexcept { return request_.client; }
  /// By which service.
  plugin::service service() const noexcept { return request_.service; }

  /// Answers, on this thread. @return VSOA_OK or an error of plugin.h
  int reply(status s, std::string_view param = {}, bytes data = {},
            std::uint16_t tunid = 0) noexcept {
    return host_->reply(host_, call_, static_cast<int>(s), detail::to_c(param), detail::to_c(data),
                        tunid);
  }
  /// Success, with JSON text.
  int reply(std::string_view param, bytes data = {}) noexcept {
    return reply(status::success, param, data);
  }
  /// Takes the right to answer out of the handler. Empty if it has been answered already.
  deferred_call defer() noexcept { return {host_, host_->defer(host_, call_)}; }
  /// Gives the call up: no answer is sent.
  void drop() noexcept { host_->drop(host_, call_); }

 private:
  const vsoa_host* host_;
  vsoa_call* call_;
  const vsoa_request& request_;
};

/// A running timer; ends with this object.
class timer {
 public:
  timer() noexcept = default;
  /// The other is empty then.
  timer(timer&& other) noexcept
      : host_(other.host_),
        id_(std::exchange(other.id_, 0)),
        number_(std::exchange(other.number_, 0)) {}
  /// Stops the one that it had.
  timer& operator=(timer&& other) noexcept {
    std::swap(host_, other.host_);
    std::swap(id_, other.id_);
    std::swap(number_, other.number_);
    return *this;
  }
  ~timer() { stop(); }

  /// Ends it; idempotent.
  void stop() noexcept {
    if (number_ == 0) return;
    host_->timer_stop(host_, id_);
    detail::timers().remove(number_);
    id_ = 0;
    number_ = 0;
  }
  /// False: never started, stopped, or too many timers run.
  explicit operator bool() const noexcept { return id_ != 0; }

 private:
  friend class host;
  timer(const vsoa_host* host, unsigned delay_ms, unsigned interval_ms,
        std::function<void()> function)
      : host_(host), number_(detail::timers().add({host, std::move(function), interval_ms == 0})) {
    // Only a number, which the plugin looks up.
    void* argument = reinterpret_cast<void*>(number_);  // NOLINT(performance-no-int-to-ptr)
    id_ = host->timer_start(host, delay_ms, interval_ms, detail::run_timer, argument);
    if (id_ == 0) stop();
  }

  const vsoa_host* host_ = nullptr;
  vsoa_timer id_ = 0;
  std::uintptr_t number_ = 0;
};

struct stream_events;  // plugin_stream.hpp
struct stream_offer;

/// What vsoad does for a plugin. Cheap to copy, callable from any thread; results are those of
/// plugin.h.
class host {
 public:
  /// For the face itself.
  explicit host(const vsoa_host* raw) noexcept : raw_(raw) {}
  /// The C table, for what is not wrapped here.
  const vsoa_host* raw() const noexcept { return raw_; }

  /// Publishes in one service, or with service 0 in all that this plugin is in.
  int publish(plugin::service s, std::string_view url, std::string_view param, bytes data = {},
              channel via = channel::normal) const noexcept {
    return raw_->publish(raw_, s, detail::to_c(url), detail::to_c(param), detail::to_c(data),
                         static_cast<int>(via));
  }
  /// To the subscribers of a URL.
  int publish(std::string_view url, std::string_view param, bytes data = {},
              channel via = channel::normal) const noexcept {
    return publish(0, url, param, data, via);
  }
  /// To one client.
  int datagram(plugin::client c, std::string_view url, std::string_view param, bytes data = {},
               channel via = channel::normal) const noexcept {
    return raw_->datagram(raw_, c, detail::to_c(url), detail::to_c(param), detail::to_c(data),
                          static_cast<int>(via));
  }
  /// Whether anybody would get a publish on `url`.
  bool is_subscribed(std::string_view url, plugin::service s = 0) const noexcept {
    return raw_->is_subscribed(raw_, s, detail::to_c(url)) == 1;
  }

  /// Those that serve the plugin.
  std::vector<plugin::service> services() const {
    std::vector<plugin::service> list(raw_->services(raw_, nullptr, 0));
    const std::size_t count = raw_->services(raw_, list.data(), list.size());
    if (count < list.size()) list.resize(count);
    return list;
  }
  /// Empty: there is no such service here.
  std::string service_name(plugin::service s) const {
    const int length = raw_->service_name(raw_, s, nullptr, 0);
    if (length <= 0) return {};
    std::vector<char> text(static_cast<std::size_t>(length) + 1);
    raw_->service_name(raw_, s, text.data(), text.size());
    return text.data();
  }
  /// Those that have passed the handshake.
  std::vector<plugin::client> clients(plugin::service s = 0) const {
    std::vector<plugin::client> list(raw_->clients(raw_, s, nullptr, 0));
    const std::size_t count = raw_->clients(raw_, s, list.data(), list.size());
    if (count < list.size()) list.resize(count);  // some left meanwhile
    return list;
  }
  /// Nothing: there is no such client.
  std::optional<vsoa_client_info> info(plugin::client c) const {
    vsoa_client_info filled{};
    filled.size = sizeof(filled);
    if (raw_->client_info(raw_, c, &filled) != VSOA_OK) return std::nullopt;
    return filled;
  }
  /// The certificate that the client has shown under TLS, verified, as DER. Empty: it has shown
  /// none, or there is no such client.
  std::vector<std::byte> certificate(plugin::client c) const {
    std::vector<std::byte> der(2048);
    for (;;) {
      std::size_t length = 0;
      if (raw_->client_certificate(raw_, c, der.data(), der.size(), &length) != VSOA_OK) return {};
      const bool whole = length <= der.size();
      der.resize(length);
      if (whole) return der;
    }
  }
  /// Whether this client would.
  bool is_subscribed(plugin::client c, std::string_view url) const noexcept {
    return raw_->client_is_subscribed(raw_, c, detail::to_c(url)) == 1;
  }
  /// A client that is not gets no publishes.
  int set_authed(plugin::client c, bool authed) const noexcept {
    return raw_->client_set_authed(raw_, c, authed ? 1 : 0);
  }
  /// 0..7.
  int set_priority(plugin::client c, int priority) const noexcept {
    return raw_->client_set_priority(raw_, c, priority);
  }
  /// TCP keepalive; 0: off.
  int set_keepalive(plugin::client c, std::chrono::seconds idle) const noexcept {
    return raw_->client_set_keepalive(raw_, c, static_cast<unsigned>(idle.count()));
  }
  /// For the kernel to take some of what is queued.
  int set_send_timeout(plugin::client c, std::chrono::milliseconds timeout) const noexcept {
    return raw_->client_set_send_timeout(raw_, c, static_cast<unsigned>(timeout.count()));
  }
  /// Ends a session; what is queued for it is lost.
  int close(plugin::client c) const noexcept { return raw_->client_close(raw_, c); }

  /// Runs once after `delay`, unless the timer goes first.
  timer after(std::chrono::milliseconds delay, std::function<void()> function) const {
    return timer(raw_, static_cast<unsigned>(delay.count()), 0, std::move(function));
  }
  /// Runs every `interval`, a millisecond at least, while the timer lives.
  timer every(std::chrono::milliseconds interval, std::function<void()> function) const {
    const auto ms = interval.count() > 0 ? static_cast<unsigned>(interval.count()) : 1U;
    return timer(raw_, ms, ms, std::move(function));
  }
  /// Runs a job on a work queue, where it may block; an empty name: this plugin's own queue.
  /// @return VSOA_OK or an error of plugin.h; the job is dropped then
  int queue(std::string_view name, std::function<void()> work) const {
    auto job = std::make_unique<detail::queued_job>(detail::queued_job{raw_, std::move(work)});
    const int result = raw_->queue_add(raw_, detail::to_c(name), detail::run_job, job.get());
    if (result == VSOA_OK) (void)job.release();
    return result;
  }

  /// Whether this vsoad has streams: ABI 1.1.
  bool has_streams() const noexcept;
  /// Offers a stream to a client; tell it the offer's tunid in the reply to its call.
  /// @param timeout  for the client to come; zero: 10 s
  stream_offer create_stream(
      plugin::client c, stream_events events,
      std::chrono::milliseconds timeout = std::chrono::milliseconds(0)) const;

  /// A line of the log.
  void log(level l, std::string_view line) const noexcept {
    raw_->log(raw_, static_cast<int>(l), detail::to_c(line));
  }
  /// Adds to a counter, which shows in the metrics.
  int count(std::string_view name, std::uint64_t delta = 1) const noexcept {
    return raw_->counter_add(raw_, detail::to_c(name), delta);
  }
  /// Sets a gauge, which shows in the metrics.
  int gauge(std::string_view name, double value) const noexcept {
    return raw_->gauge_set(raw_, detail::to_c(name), value);
  }

 private:
  const vsoa_host* raw_;
};

}  // namespace plugin
}  // namespace vsoa

#endif  // VSOA_PLUGIN_TYPES_HPP
