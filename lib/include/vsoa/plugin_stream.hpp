// Streams of a C++ plugin. Include vsoa/plugin.hpp.
//
//     void upload(vsoa::plugin::call& c) {
//       vsoa::plugin::stream_events events;
//       events.on_data = [this](vsoa::plugin::stream, vsoa::plugin::bytes piece) { take(piece); };
//       const auto offer = host.create_stream(c.client(), std::move(events));
//       if (!offer) return void(c.reply(vsoa::plugin::status::no_memory));
//       c.reply(vsoa::plugin::status::success, {}, {}, offer.tunid);
//     }
#ifndef VSOA_PLUGIN_STREAM_HPP
#define VSOA_PLUGIN_STREAM_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "vsoa/plugin.h"
#include "vsoa/plugin_types.hpp"

namespace vsoa {
namespace plugin {

/// Names one stream: cheap to copy, callable from any thread. The stream does not end with it;
/// results are those of plugin.h.
class stream {
 public:
  stream() noexcept = default;
  /// For the face itself.
  stream(const vsoa_host* host, vsoa_stream id) noexcept : host_(host), id_(id) {}

  /// As the host numbers it; 0: none.
  vsoa_stream id() const noexcept { return id_; }
  /// Whether it is one.
  explicit operator bool() const noexcept { return id_ != 0; }

  /// @return how much was taken, all of up to 256 KiB; or VSOA_E_FULL: on_writable follows; or
  ///         VSOA_E_NOT_FOUND
  std::int64_t send(bytes data) const noexcept {
    if (id_ == 0) return VSOA_E_NOT_FOUND;
    return host_->stream_send(host_, id_, detail::to_c(data));
  }
  /// Whether send() takes a piece now.
  bool is_writable() const noexcept {
    return id_ != 0 && host_->stream_is_writable(host_, id_) == 1;
  }
  /// Stops reading.
  int pause() const noexcept { return set_paused(1); }
  /// Reads again.
  int resume() const noexcept { return set_paused(0); }
  /// Says that nothing more will be sent.
  int shutdown_write() const noexcept {
    return id_ == 0 ? VSOA_E_NOT_FOUND : host_->stream_shutdown(host_, id_);
  }
  /// Ends it when what is queued has been sent.
  int close() const noexcept { return end(0); }
  /// Ends it by a reset.
  int abort() const noexcept { return end(1); }
  /// TCP keepalive; 0: off.
  int set_keepalive(std::chrono::seconds idle) const noexcept {
    if (id_ == 0) return VSOA_E_NOT_FOUND;
    return host_->stream_set_keepalive(host_, id_, static_cast<unsigned>(idle.count()));
  }
  /// For the kernel to take some of what is queued; 0: none.
  int set_send_timeout(std::chrono::milliseconds timeout) const noexcept {
    if (id_ == 0) return VSOA_E_NOT_FOUND;
    return host_->stream_set_send_timeout(host_, id_, static_cast<unsigned>(timeout.count()));
  }
  /// Nothing: it has ended.
  std::optional<vsoa_stream_info> info() const {
    vsoa_stream_info filled{};
    filled.size = sizeof(filled);
    if (id_ == 0 || host_->stream_info(host_, id_, &filled) != VSOA_OK) return std::nullopt;
    return filled;
  }

 private:
  int set_paused(int paused) const noexcept {
    return id_ == 0 ? VSOA_E_NOT_FOUND : host_->stream_pause(host_, id_, paused);
  }
  int end(int abort) const noexcept {
    return id_ == 0 ? VSOA_E_NOT_FOUND : host_->stream_close(host_, id_, abort);
  }

  const vsoa_host* host_ = nullptr;
  vsoa_stream id_ = 0;
};

/// What a stream tells; each may be empty. What they hold is let go after on_link(false), or when
/// the plugin has stopped.
struct stream_events {
  /// true: connected; false: the end.
  std::function<void(stream, bool connected)> on_link;
  /// What has come; valid until it returns.
  std::function<void(stream, bytes data)> on_data;
  /// What made send() refuse is sent.
  std::function<void(stream)> on_writable;
  /// The client sends no more, but may still read. Without it the stream is closed then.
  std::function<void(stream)> on_end;
};

/// What create_stream() gives.
struct stream_offer {
  /// Empty when it failed.
  plugin::stream stream;
  /// What the client must be told.
  std::uint16_t tunid = 0;
  int result = VSOA_E_FAILED;  ///< of plugin.h
  /// Whether there is a stream.
  explicit operator bool() const noexcept { return result == VSOA_OK; }
};

namespace detail {

/// What streams call, by number: a plugin that is stopped is told nothing, and lets go of all here.
class stream_table {
 public:
  struct entry {
    const vsoa_host* host = nullptr;
    stream_events events;
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
  std::shared_ptr<entry> find(void* argument) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = entries_.find(reinterpret_cast<std::uintptr_t>(argument));
    return found == entries_.end() ? nullptr : found->second;
  }
  void clear() noexcept {
    std::map<std::uintptr_t, std::shared_ptr<entry>> gone;
    const std::lock_guard<std::mutex> lock(mutex_);
    gone.swap(entries_);
  }

 private:
  std::mutex mutex_;
  std::map<std::uintptr_t, std::shared_ptr<entry>> entries_;
  std::uintptr_t last_ = 0;
};

// Hidden, so that each plugin has one of its own and can be unmapped.
__attribute__((visibility("hidden"))) inline stream_table& streams() {
  static stream_table table;
  return table;
}

template <class Tell>
void tell_stream(void* argument, Tell tell) noexcept {
  const auto entry = streams().find(argument);
  if (!entry) return;
  try {
    tell(*entry);
  } catch (...) {
    log_exception(entry->host, "a stream's callback threw");
  }
}

inline void stream_linked(void* argument, vsoa_stream id, int connected) noexcept {
  tell_stream(argument, [&](stream_table::entry& e) {
    if (e.events.on_link) e.events.on_link(stream(e.host, id), connected != 0);
  });
  if (connected == 0) streams().remove(reinterpret_cast<std::uintptr_t>(argument));
}
inline void stream_data(void* argument, vsoa_stream id, vsoa_bytes data) noexcept {
  tell_stream(argument,
              [&](stream_table::entry& e) { e.events.on_data(stream(e.host, id), data); });
}
inline void stream_writable(void* argument, vsoa_stream id) noexcept {
  tell_stream(argument, [&](stream_table::entry& e) { e.events.on_writable(stream(e.host, id)); });
}
inline void stream_ended(void* argument, vsoa_stream id) noexcept {
  tell_stream(argument, [&](stream_table::entry& e) { e.events.on_end(stream(e.host, id)); });
}

}  // namespace detail

inline bool host::has_streams() const noexcept {
  return raw_->size >= offsetof(vsoa_host, stream_info) + sizeof(raw_->stream_info);
}

inline stream_offer host::create_stream(plugin::client c, stream_events events,
                                        std::chrono::milliseconds timeout) const {
  stream_offer offer;
  if (!has_streams()) return offer;
  vsoa_stream_callbacks callbacks{};
  callbacks.size = sizeof(callbacks);
  callbacks.link = detail::stream_linked;
  if (events.on_data) callbacks.data = detail::stream_data;
  if (events.on_writable) callbacks.writable = detail::stream_writable;
  if (events.on_end) callbacks.end = detail::stream_ended;
  const std::uintptr_t number = detail::streams().add({raw_, std::move(events)});
  // Only a number, which is looked up.
  void* argument = reinterpret_cast<void*>(number);  // NOLINT(performance-no-int-to-ptr)
  vsoa_stream id = 0;
  offer.result = raw_->stream_create(raw_, c, &callbacks, argument,
                                     static_cast<unsigned>(timeout.count()), &id, &offer.tunid);
  if (offer.result == VSOA_OK) {
    offer.stream = plugin::stream(raw_, id);
  } else {
    detail::streams().remove(number);
  }
  return offer;
}

}  // namespace plugin
}  // namespace vsoa

#endif  // VSOA_PLUGIN_STREAM_HPP
