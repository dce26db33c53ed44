#include "plugin_host/host_table.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin_host/host_guard.hpp"
#include "plugin_host/plugin_core.hpp"
#include "vsoa/packet.hpp"
#include "vsoa/url.hpp"

constinit thread_local vsoa_call* vsoa_call::current = nullptr;

namespace vsoad {
namespace {

constexpr std::size_t max_log_line_bytes = 4096;

std::string_view view(vsoa_text text) {
  return text.len == 0 ? std::string_view() : std::string_view(text.ptr, text.len);
}

vsoa::payload_view payload(vsoa_text param, vsoa_bytes data) {
  return {{param.ptr, param.len}, {static_cast<const std::byte*>(data.ptr), data.len}};
}

bool fits_a_packet(vsoa_text param, vsoa_bytes data) {
  constexpr std::size_t room = vsoa::max_packet_bytes - vsoa::header_bytes;
  return param.len <= room && data.len <= room - param.len;
}

bool is_channel(int channel) {
  return channel == VSOA_NORMAL || channel == VSOA_QUICK;
}
vsoa::channel to_channel(int channel) {
  return static_cast<vsoa::channel>(channel);
}

// --- calls ---

/// By whichever right the call has.
inline void send_answer(vsoa_call& call, vsoa::status code, const vsoa::payload_view& content,
                        std::uint16_t tunid) {
  call.is_open = false;
  if (call.direct != nullptr) {
    call.direct->reply(code, content, tunid);
  } else {
    call.kept->reply(code, content, tunid);
  }
}

[[gnu::always_inline]] inline int answer(const plugin_core& core, vsoa_call& call, int status,
                                         vsoa_text param, vsoa_bytes data, std::uint16_t tunid) {
  if (core.env.before_answer != nullptr) [[unlikely]]
    core.env.before_answer();
  const bool is_sound = status >= 0 && status <= 255 && is_good(param) && is_good(data);
  if (is_sound && fits_a_packet(param, data)) [[likely]] {
    send_answer(call, static_cast<vsoa::status>(status), payload(param, data), tunid);
    return VSOA_OK;
  }
  send_answer(call, is_sound ? vsoa::status::no_memory : vsoa::status::no_responding, {}, 0);
  return VSOA_E_ARGUMENT;
}

bool is_current(const vsoa_call* call) {
  return call != nullptr && call == vsoa_call::current;
}

[[gnu::noinline]] int reply_later(const vsoa_host* host, vsoa_call* call, int status,
                                  vsoa_text param, vsoa_bytes data, std::uint16_t tunid) {
  if (is_current(call)) {
    if (!call->is_open) return VSOA_E_NOT_FOUND;
    call->is_open = false;
    call = call->token;
  }
  if (!deferred_calls::is_token(call)) return VSOA_E_NOT_FOUND;
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) -> int {
    auto kept = core.deferred.take(call);
    if (!kept) return VSOA_E_NOT_FOUND;
    vsoa_call late;
    late.kept = &*kept;
    return answer(core, late, status, param, data, tunid);
  });
}

int host_reply(const vsoa_host* host, vsoa_call* call, int status, vsoa_text param, vsoa_bytes data,
               std::uint16_t tunid) {
  const bool is_now = is_current(call) && call->is_open && call->token == nullptr;
  if (!is_now) [[unlikely]]
    return reply_later(host, call, status, param, data, tunid);
  try {  // its callback keeps the plugin in place: no door to pass
    return answer(*core_of(host), *call, status, param, data, tunid);
  } catch (...) {
    return VSOA_E_FAILED;
  }
}

vsoa_call* host_defer(const vsoa_host* host, vsoa_call* call) {
  if (!is_current(call) || !call->is_open) return nullptr;
  return guarded(host, static_cast<vsoa_call*>(nullptr), [&](plugin_core& core) {
    call->is_open = false;
    if (call->token != nullptr) return call->token;
    return core.deferred.add(call->direct != nullptr ? call->direct->defer()
                                                     : std::move(*call->kept));
  });
}

void host_drop(const vsoa_host* host, vsoa_call* call) {
  guarded(host, 0, [&](plugin_core& core) {
    if (is_current(call)) {
      if (!call->is_open) return 0;
      call->is_open = false;
      if (call->direct != nullptr) {
        core.env.give_up(call->direct->defer());
      } else if (call->token != nullptr) {
        if (auto kept = core.deferred.take(call->token)) core.env.give_up(std::move(*kept));
      } else {
        core.env.give_up(std::move(*call->kept));
      }
    } else if (deferred_calls::is_token(call)) {
      if (auto kept = core.deferred.take(call)) core.env.give_up(std::move(*kept));
    }
    return 0;
  });
}

// --- publish and datagram ---

/// Does something with one service of the plugin, or with all when `id` is 0.
template <class Action>
bool for_services(const plugin_core& core, vsoa_service id, Action action) {
  if (id != 0) {
    service_port* const port = core.port(id);
    if (port == nullptr) return false;
    action(id, *port);
    return true;
  }
  for (const vsoa_service each : core.services.read()) {
    if (service_port* const port = core.port(each)) action(each, *port);
  }
  return true;
}

/// Whether a publish or datagram can be sent at all: a good URL, and within the channel's limit.
bool is_message(vsoa_text url, vsoa_text param, vsoa_bytes data, int channel) {
  if (!is_good(url) || !is_good(param) || !is_good(data) || !is_channel(channel)) return false;
  const std::size_t limit =
      channel == VSOA_QUICK ? vsoa::max_quick_send_bytes : vsoa::max_packet_bytes;
  const std::size_t room = limit - vsoa::header_bytes;
  return vsoa::is_valid_url(view(url)) && url.len <= room && param.len <= room &&
         data.len <= room && url.len + param.len + data.len <= room;
}

int host_publish(const vsoa_host* host, vsoa_service service, vsoa_text url, vsoa_text param,
                 vsoa_bytes data, int channel) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) -> int {
    if (!is_message(url, param, data, channel)) return VSOA_E_ARGUMENT;
    bool all_sent = true;
    const bool known = for_services(core, service, [&](vsoa_service, service_port& port) {
      all_sent = port.publish(view(url), payload(param, data), to_channel(channel)) && all_sent;
    });
    if (!known) return VSOA_E_NOT_FOUND;
    return all_sent ? VSOA_OK : VSOA_E_FULL;
  });
}

/// Does something with the service of a client and the client's id there.
template <class Action>
int with_client(const vsoa_host* host, vsoa_client client, Action action) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) -> int {
    const found_client who = find_client(core, client);
    if (who.port == nullptr) return VSOA_E_NOT_FOUND;
    return action(*who.port, who.id);
  });
}

int found(bool yes) {
  return yes ? VSOA_OK : VSOA_E_NOT_FOUND;
}

int host_datagram(const vsoa_host* host, vsoa_client client, vsoa_text url, vsoa_text param,
                  vsoa_bytes data, int channel) {
  return with_client(host, client, [&](service_port& port, vsoa::client_id id) -> int {
    if (!is_message(url, param, data, channel)) return VSOA_E_ARGUMENT;
    switch (port.datagram(id, view(url), payload(param, data), to_channel(channel))) {
      case service_port::outcome::ok:
        return VSOA_OK;
      case service_port::outcome::no_client:
        return VSOA_E_NOT_FOUND;
      case service_port::outcome::full:
        return VSOA_E_FULL;
    }
    return VSOA_E_FAILED;
  });
}

int host_is_subscribed(const vsoa_host* host, vsoa_service service, vsoa_text url) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) -> int {
    if (!is_good(url) || !vsoa::is_valid_url(view(url))) return VSOA_E_ARGUMENT;
    bool any = false;
    const bool known = for_services(core, service, [&](vsoa_service, service_port& port) {
      any = any || port.is_subscribed(view(url));
    });
    if (!known) return VSOA_E_NOT_FOUND;
    return any ? 1 : 0;
  });
}

// --- services and clients ---

std::size_t host_services(const vsoa_host* host, vsoa_service* out, std::size_t capacity) {
  return guarded(host, std::size_t{0}, [&](plugin_core& core) {
    std::size_t count = 0;
    for (const vsoa_service each : core.services.read()) {
      if (core.env.find(each) == nullptr) continue;
      if (out != nullptr && count < capacity) out[count] = each;
      ++count;
    }
    return count;
  });
}

int host_service_name(const vsoa_host* host, vsoa_service service, char* out,
                      std::size_t capacity) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) -> int {
    const hosted_service* const known = core.service(service);
    if (known == nullptr) return VSOA_E_NOT_FOUND;
    const std::string& name = known->name;
    if (out != nullptr && capacity > 0) {
      const std::size_t length = std::min(name.size(), capacity - 1);
      std::memcpy(out, name.data(), length);
      out[length] = '\0';
    }
    return static_cast<int>(name.size());
  });
}

std::size_t host_clients(const vsoa_host* host, vsoa_service service, vsoa_client* out,
                         std::size_t capacity) {
  return guarded(host, std::size_t{0}, [&](plugin_core& core) {
    std::size_t count = 0;
    for_services(core, service, [&](vsoa_service id, service_port& port) {
      for (const vsoa::client_id client : port.clients()) {
        if (out != nullptr && count < capacity) out[count] = client_handle(id, client);
        ++count;
      }
    });
    return count;
  });
}

void copy_text(char* out, std::size_t capacity, const std::string& text) {
  const std::size_t length = std::min(text.size(), capacity - 1);
  std::memcpy(out, text.data(), length);
  out[length] = '\0';
}

// What vsoa_client_info has in ABI 1.0.
constexpr std::size_t client_info_1_0_bytes =
    offsetof(vsoa_client_info, priority) + sizeof(vsoa_client_info::priority);

int host_client_info(const vsoa_host* host, vsoa_client client, vsoa_client_info* info) {
  return with_client(host, client, [&](service_port& port, vsoa::client_id id) -> int {
    // A plugin of an earlier ABI states a smaller size, one of a later a larger: it gets what both
    // know.
    if (info == nullptr || info->size < client_info_1_0_bytes) return VSOA_E_ARGUMENT;
    const auto known = port.client(id);
    if (!known) return VSOA_E_NOT_FOUND;
    vsoa_client_info filled{};
    filled.size = info->size;
    filled.service = static_cast<vsoa_service>(client >> 32U);
    filled.id = id;
    copy_text(filled.address, sizeof(filled.address), known->address.ip.to_string());
    copy_text(filled.role, sizeof(filled.role), known->role);
    filled.port = known->address.port;
    filled.quick_port = known->quick_port;
    filled.authed = known->authed ? 1 : 0;
    filled.priority = known->priority;
    std::memcpy(info, &filled, std::min(info->size, sizeof(filled)));
    return VSOA_OK;
  });
}

int host_client_certificate(const vsoa_host* host, vsoa_client client, void* out,
                            std::size_t capacity, std::size_t* length) {
  return with_client(host, client, [&](service_port& port, vsoa::client_id id) -> int {
    if (length == nullptr || (out == nullptr && capacity != 0)) return VSOA_E_ARGUMENT;
    const auto certificate = port.certificate(id);
    if (!certificate) return VSOA_E_NOT_FOUND;
    *length = certificate->size();
    if (const std::size_t part = std::min(*length, capacity); part != 0) {
      std::memcpy(out, certificate->data(), part);
    }
    return VSOA_OK;
  });
}

int host_client_is_subscribed(const vsoa_host* host, vsoa_client client, vsoa_text url) {
  return with_client(host, client, [&](service_port& port, vsoa::client_id id) -> int {
    if (!is_good(url) || !vsoa::is_valid_url(view(url))) return VSOA_E_ARGUMENT;
    const auto takes = port.is_subscribed(id, view(url));
    if (!takes) return VSOA_E_NOT_FOUND;
    return *takes ? 1 : 0;
  });
}

int host_client_set_authed(const vsoa_host* host, vsoa_client client, int authed) {
  return with_client(host, client, [&](service_port& port, vsoa::client_id id) -> int {
    if (authed != 0 && authed != 1) return VSOA_E_ARGUMENT;
    return found(port.set_authed(id, authed == 1));
  });
}

int host_client_set_priority(const vsoa_host* host, vsoa_client client, int priority) {
  return with_client(host, client, [&](service_port& port, vsoa::client_id id) -> int {
    if (priority < 0 || priority > vsoa::max_priority) return VSOA_E_ARGUMENT;
    return found(port.set_priority(id, static_cast<std::uint8_t>(priority)));
  });
}

int host_client_set_keepalive(const vsoa_host* host, vsoa_client client, unsigned idle_seconds) {
  return with_client(host, client, [&](service_port& port, vsoa::client_id id) -> int {
    return found(port.set_keepalive(id, std::chrono::seconds(idle_seconds)));
  });
}

int host_client_set_send_timeout(const vsoa_host* host, vsoa_client client, unsigned milliseconds) {
  return with_client(host, client, [&](service_port& port, vsoa::client_id id) -> int {
    return found(port.set_send_timeout(id, std::chrono::milliseconds(milliseconds)));
  });
}

int host_client_close(const vsoa_host* host, vsoa_client client) {
  return with_client(host, client, [&](service_port& port, vsoa::client_id id) -> int {
    return found(port.close(id));
  });
}

// --- timers and work queues ---

vsoa_timer host_timer_start(const vsoa_host* host, unsigned delay_ms, unsigned interval_ms,
                            void (*function)(void*), void* argument) {
  return guarded(host, vsoa_timer{0}, [&](plugin_core& core) -> vsoa_timer {
    if (function == nullptr) return 0;
    return core.timers.start(std::chrono::milliseconds(delay_ms),
                             std::chrono::milliseconds(interval_ms), function, argument);
  });
}

int host_timer_stop(const vsoa_host* host, vsoa_timer timer) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED),
                 [&](plugin_core& core) { return found(core.timers.stop(timer)); });
}

void run_job(plugin_core& core, void (*function)(void*), void* argument) noexcept {
  try {
    function(argument);
  } catch (const std::exception& e) {
    core.log(vsoa::log_level::error, std::string("a job on a work queue threw: ") + e.what());
  } catch (...) {
    core.log(vsoa::log_level::error, "a job on a work queue threw");
  }
  core.jobs.leave();
}

int host_queue_add(const vsoa_host* host, vsoa_text queue, void (*function)(void*),
                   void* argument) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) -> int {
    if (function == nullptr || !is_good(queue)) return VSOA_E_ARGUMENT;
    vsoa::work_queue* target = queue.len == 0 ? core.own_queue : core.env.queues.find(view(queue));
    if (target == nullptr) return VSOA_E_NOT_FOUND;
    rundown_guard job(core.jobs);
    if (!job) return VSOA_E_FAILED;
    if (!target->add([&core, function, argument] { run_job(core, function, argument); })) {
      return VSOA_E_FULL;
    }
    job.keep();
    return VSOA_OK;
  });
}

// --- log and metrics ---

void host_log(const vsoa_host* host, int level, vsoa_text line) {
  guarded(host, 0, [&](plugin_core& core) {
    if (!is_good(line) || !core.env.log) return 0;
    std::string text(view(line).substr(0, max_log_line_bytes));
    // One event is one line, whatever the plugin puts into it.
    std::replace_if(
        text.begin(), text.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
    level = std::clamp<int>(level, VSOA_LOG_TRACE, VSOA_LOG_ERROR);
    core.log(static_cast<vsoa::log_level>(level), text);
    core.words.hear(static_cast<vsoa::log_level>(level), text);
    return 0;
  });
}

int host_counter_add(const vsoa_host* host, vsoa_text name, std::uint64_t delta) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) -> int {
    return is_good(name) ? core.metrics.add(view(name), delta) : VSOA_E_ARGUMENT;
  });
}

int host_gauge_set(const vsoa_host* host, vsoa_text name, double value) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) -> int {
    return is_good(name) ? core.metrics.set(view(name), value) : VSOA_E_ARGUMENT;
  });
}

}  // namespace

void fill_host_table(vsoa_host& table) {
  table.size = sizeof(vsoa_host);
  table.abi_major = VSOA_PLUGIN_ABI_MAJOR;
  table.abi_minor = VSOA_PLUGIN_ABI_MINOR;
  table.reply = host_reply;
  table.defer = host_defer;
  table.drop = host_drop;
  table.publish = host_publish;
  table.datagram = host_datagram;
  table.is_subscribed = host_is_subscribed;
  table.services = host_services;
  table.service_name = host_service_name;
  table.clients = host_clients;
  table.client_info = host_client_info;
  table.client_certificate = host_client_certificate;
  table.client_is_subscribed = host_client_is_subscribed;
  table.client_set_authed = host_client_set_authed;
  table.client_set_priority = host_client_set_priority;
  table.client_set_keepalive = host_client_set_keepalive;
  table.client_set_send_timeout = host_client_set_send_timeout;
  table.client_close = host_client_close;
  table.timer_start = host_timer_start;
  table.timer_stop = host_timer_stop;
  table.queue_add = host_queue_add;
  table.log = host_log;
  table.counter_add = host_counter_add;
  table.gauge_set = host_gauge_set;
  fill_stream_functions(table);
}

}  // namespace vsoad
