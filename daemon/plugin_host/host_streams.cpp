// The host functions of streams.
#include <cstddef>

#include "plugin_host/host_guard.hpp"
#include "plugin_host/host_table.hpp"

namespace vsoad {
namespace {

// What the callbacks of ABI 1.1 take.
constexpr std::size_t abi_1_1_bytes =
    offsetof(vsoa_stream_callbacks, end) + sizeof(vsoa_stream_callbacks::end);

int host_stream_create(const vsoa_host* host, vsoa_client client,
                       const vsoa_stream_callbacks* callbacks, void* argument, unsigned timeout_ms,
                       vsoa_stream* stream, std::uint16_t* tunid) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) -> int {
    if (callbacks == nullptr || callbacks->size < abi_1_1_bytes || stream == nullptr ||
        tunid == nullptr) {
      return VSOA_E_ARGUMENT;
    }
    const found_client who = find_client(core, client);
    if (who.port == nullptr) return VSOA_E_NOT_FOUND;
    return core.streams.create(*who.port, who.id, client, *callbacks, argument,
                               std::chrono::milliseconds(timeout_ms), *stream, *tunid);
  });
}

std::int64_t host_stream_send(const vsoa_host* host, vsoa_stream stream, vsoa_bytes data) {
  return guarded(host, std::int64_t{VSOA_E_FAILED}, [&](plugin_core& core) -> std::int64_t {
    if (!is_good(data)) return VSOA_E_ARGUMENT;
    return core.streams.send(stream, {static_cast<const std::byte*>(data.ptr), data.len});
  });
}

int host_stream_is_writable(const vsoa_host* host, vsoa_stream stream) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED),
                 [&](plugin_core& core) { return core.streams.is_writable(stream); });
}

int host_stream_pause(const vsoa_host* host, vsoa_stream stream, int paused) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) -> int {
    if (paused != 0 && paused != 1) return VSOA_E_ARGUMENT;
    return core.streams.pause(stream, paused == 1);
  });
}

int host_stream_shutdown(const vsoa_host* host, vsoa_stream stream) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED),
                 [&](plugin_core& core) { return core.streams.shutdown(stream); });
}

int host_stream_close(const vsoa_host* host, vsoa_stream stream, int abort) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) -> int {
    if (abort != 0 && abort != 1) return VSOA_E_ARGUMENT;
    return core.streams.close(stream, abort == 1);
  });
}

int host_stream_set_keepalive(const vsoa_host* host, vsoa_stream stream, unsigned idle_seconds) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) {
    return core.streams.set_keepalive(stream, std::chrono::seconds(idle_seconds));
  });
}

int host_stream_set_send_timeout(const vsoa_host* host, vsoa_stream stream, unsigned milliseconds) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) {
    return core.streams.set_send_timeout(stream, std::chrono::milliseconds(milliseconds));
  });
}

int host_stream_info(const vsoa_host* host, vsoa_stream stream, vsoa_stream_info* info) {
  return guarded(host, static_cast<int>(VSOA_E_FAILED), [&](plugin_core& core) -> int {
    return info == nullptr ? VSOA_E_ARGUMENT : core.streams.info(stream, *info);
  });
}

}  // namespace

void fill_stream_functions(vsoa_host& table) {
  table.stream_create = host_stream_create;
  table.stream_send = host_stream_send;
  table.stream_is_writable = host_stream_is_writable;
  table.stream_pause = host_stream_pause;
  table.stream_shutdown = host_stream_shutdown;
  table.stream_close = host_stream_close;
  table.stream_set_keepalive = host_stream_set_keepalive;
  table.stream_set_send_timeout = host_stream_set_send_timeout;
  table.stream_info = host_stream_info;
}

}  // namespace vsoad
