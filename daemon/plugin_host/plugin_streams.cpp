#include "plugin_host/plugin_streams.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace vsoad {
namespace {

int result_of(std::error_code error) {
  if (error == std::errc::not_connected) return VSOA_E_NOT_FOUND;
  if (error == std::errc::no_buffer_space) return VSOA_E_FULL;
  return VSOA_E_FAILED;
}

/// What vsoa_stream_info has in ABI 1.1.
constexpr std::size_t stream_info_1_1_bytes =
    offsetof(vsoa_stream_info, connected) + sizeof(vsoa_stream_info::connected);

/// What the plugin states, and NULL for what its ABI did not have.
vsoa_stream_callbacks known(const vsoa_stream_callbacks& given) {
  vsoa_stream_callbacks all{};
  std::memcpy(&all, &given, std::min(given.size, sizeof(all)));
  return all;
}

}  // namespace

class plugin_streams::board : public std::enable_shared_from_this<board> {
 public:
  board(callback_runner& runner, stall_subject& subject, thrown on_thrown)
      : runner_(runner), subject_(subject), on_thrown_(std::move(on_thrown)) {}

  struct entry {
    vsoa_stream id = 0;
    vsoa_client client = 0;
    std::uint16_t tunid = 0;
    vsoa_stream_callbacks callbacks{};
    void* argument = nullptr;
    vsoa::stream handle;          // under mutex_, as are the others below
    bool is_paused = false;       // by the plugin
    std::size_t pieces_kept = 0;  // of data that waits for its turn
    bool has_said_all = false;
  };
  using entry_ptr = std::shared_ptr<entry>;

  int create(service_port& port, vsoa::client_id id, entry_ptr fresh,
             const vsoa::stream_options& options);
  /// Does something with a stream, under the lock.
  template <class Action>
  int with(vsoa_stream id, Action action) {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(id);
    if (found == entries_.end()) return VSOA_E_NOT_FOUND;
    return action(*found->second);
  }
  vsoa::stream to_send_on(vsoa_stream id) const;
  void close_all();
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return entries_.size();
  }
  static void apply_pause(const entry& e) {
    if (e.is_paused || e.pieces_kept != 0) {
      e.handle.pause();
    } else {
      e.handle.resume();
    }
  }

 private:
  vsoa::stream_callbacks callbacks(const entry_ptr& e);
  template <class Now, class Later>
  void event(Now&& now, Later&& later);
  void event(std::function<void()> run) {
    event(run, [&] { return run; });
  }
  void link(const entry_ptr& e, bool connected);
  void data(const entry_ptr& e, std::span<const std::byte> bytes);
  template <class Call>
  void guarded(Call call) noexcept;

  callback_runner& runner_;
  stall_subject& subject_;
  const thrown on_thrown_;
  // May be held while the runner's and libvsoa's locks are taken; libvsoa calls back under none.
  mutable std::mutex mutex_;
  bool is_closed_ = false;                    // under mutex_
  vsoa_stream last_ = 0;                      // under mutex_
  std::map<vsoa_stream, entry_ptr> entries_;  // under mutex_
};

// Under the lock throughout: a callback that comes before the handle is kept waits for that.
int plugin_streams::board::create(service_port& port, vsoa::client_id id, entry_ptr fresh,
                                  const vsoa::stream_options& options) {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return VSOA_E_FAILED;
  if (entries_.size() >= max_streams) return VSOA_E_FULL;
  fresh->id = last_ + 1;
  const auto offer = port.create_stream(id, callbacks(fresh), options);
  if (!offer) return result_of(offer.error);
  ++last_;
  fresh->tunid = offer.tunid;
  fresh->handle = offer.stream;
  entries_.emplace(fresh->id, std::move(fresh));
  return VSOA_OK;
}

vsoa::stream_callbacks plugin_streams::board::callbacks(const entry_ptr& e) {
  vsoa::stream_callbacks c;
  const auto self = shared_from_this();
  c.on_link = [self, e](const vsoa::stream&, bool connected) { self->link(e, connected); };
  c.on_data = [self, e](const vsoa::stream&, std::span<const std::byte> bytes) {
    self->data(e, bytes);
  };
  if (e->callbacks.writable != nullptr) {
    c.on_writable = [self, e](const vsoa::stream&) {
      self->event([self, e] { self->guarded([&] { e->callbacks.writable(e->argument, e->id); }); });
    };
  }
  if (e->callbacks.end != nullptr) {
    c.on_end = [self, e](const vsoa::stream&) {
      self->event([self, e] { self->guarded([&] { e->callbacks.end(e->argument, e->id); }); });
    };
  }
  return c;
}

// The plugin, and the runner with it, may be gone when a stream tells something late. So the runner
// is entered under the lock, after a look; close_all() takes the same lock.
template <class Now, class Later>
void plugin_streams::board::event(Now&& now, Later&& later) {
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_ || !runner_.hold()) return;
  }
  runner_.event(subject_, callback_runner::importance::must_run, now, later);
  runner_.release();
}

template <class Call>
void plugin_streams::board::guarded(Call call) noexcept {
  try {
    call();
  } catch (...) {
    on_thrown_();
  }
}

void plugin_streams::board::link(const entry_ptr& e, bool connected) {
  event([self = shared_from_this(), e, connected] {
    if (e->callbacks.link != nullptr) {
      self->guarded([&] { e->callbacks.link(e->argument, e->id, connected ? 1 : 0); });
    }
    if (connected) return;
    const std::lock_guard lock(self->mutex_);
    self->entries_.erase(e->id);
  });
}

// A piece that must wait is copied, and the stream paused until the plugin has had it: one piece
// for each stream is all that ever waits.
void plugin_streams::board::data(const entry_ptr& e, std::span<const std::byte> bytes) {
  const auto run = [this, e](std::span<const std::byte> piece) {
    if (e->callbacks.data == nullptr) return;
    guarded([&] { e->callbacks.data(e->argument, e->id, {piece.data(), piece.size()}); });
  };
  event([&] { run(bytes); },
        [&] {
          {
            const std::lock_guard lock(mutex_);
            ++e->pieces_kept;
            apply_pause(*e);
          }
          return [self = shared_from_this(), e, run,
                  copy = std::vector<std::byte>(bytes.begin(), bytes.end())] {
            run(copy);
            const std::lock_guard lock(self->mutex_);
            --e->pieces_kept;
            apply_pause(*e);
          };
        });
}

vsoa::stream plugin_streams::board::to_send_on(vsoa_stream id) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second->has_said_all) return {};
  return found->second->handle;
}

void plugin_streams::board::close_all() {
  std::map<vsoa_stream, entry_ptr> last;
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    last.swap(entries_);
  }
  // What the plugin had not said to the end must not look whole to the client.
  for (const auto& [id, e] : last)
    e->has_said_all ? e->handle.close() : e->handle.abort();
}

// --- the face ---

plugin_streams::plugin_streams(callback_runner& runner, stall_subject& subject, thrown on_thrown)
    : board_(std::make_shared<board>(runner, subject, std::move(on_thrown))) {}
plugin_streams::~plugin_streams() {
  board_->close_all();
}

int plugin_streams::create(service_port& port, vsoa::client_id id, vsoa_client client,
                           const vsoa_stream_callbacks& callbacks, void* argument,
                           std::chrono::milliseconds timeout, vsoa_stream& stream,
                           std::uint16_t& tunid) {
  auto fresh = std::make_shared<board::entry>();
  fresh->client = client;
  fresh->callbacks = known(callbacks);
  fresh->argument = argument;
  vsoa::stream_options options;
  if (timeout.count() > 0) options.timeout = timeout;
  const int result = board_->create(port, id, fresh, options);
  if (result == VSOA_OK) {
    stream = fresh->id;
    tunid = fresh->tunid;
  }
  return result;
}

std::int64_t plugin_streams::send(vsoa_stream stream, std::span<const std::byte> bytes) {
  const vsoa::stream handle = board_->to_send_on(stream);
  if (const std::size_t taken = handle.send(bytes); taken != 0) {
    return static_cast<std::int64_t>(taken);
  }
  if (!handle.is_connected()) return VSOA_E_NOT_FOUND;
  return bytes.empty() ? 0 : VSOA_E_FULL;
}

int plugin_streams::is_writable(vsoa_stream stream) {
  return board_->with(stream, [](const board::entry& e) {
    return !e.has_said_all && e.handle.is_writable() ? 1 : 0;
  });
}

int plugin_streams::pause(vsoa_stream stream, bool paused) {
  return board_->with(stream, [paused](board::entry& e) -> int {
    e.is_paused = paused;
    board::apply_pause(e);
    return VSOA_OK;
  });
}

int plugin_streams::shutdown(vsoa_stream stream) {
  return board_->with(stream, [](board::entry& e) -> int {
    e.has_said_all = true;
    e.handle.shutdown_write();
    return VSOA_OK;
  });
}

int plugin_streams::close(vsoa_stream stream, bool abort) {
  return board_->with(stream, [abort](board::entry& e) -> int {
    e.has_said_all = true;
    if (abort) {
      e.handle.abort();
    } else {
      e.handle.close();
    }
    return VSOA_OK;
  });
}

int plugin_streams::set_keepalive(vsoa_stream stream, std::chrono::seconds idle) {
  return board_->with(stream, [idle](const board::entry& e) -> int {
    e.handle.set_keepalive(idle);
    return VSOA_OK;
  });
}

int plugin_streams::set_send_timeout(vsoa_stream stream, std::chrono::milliseconds timeout) {
  return board_->with(stream, [timeout](const board::entry& e) -> int {
    e.handle.set_send_timeout(timeout);
    return VSOA_OK;
  });
}

int plugin_streams::info(vsoa_stream stream, vsoa_stream_info& out) {
  return board_->with(stream, [&out](const board::entry& e) -> int {
    // A plugin of an earlier ABI states a smaller size, one of a later a larger: it gets what both
    // know.
    if (out.size < stream_info_1_1_bytes) return VSOA_E_ARGUMENT;
    const auto counters = e.handle.counters();
    vsoa_stream_info filled{};
    filled.size = out.size;
    filled.client = e.client;
    filled.received = counters.received;
    filled.sent = counters.sent;
    filled.queued = counters.queued;
    filled.error = e.handle.error().value();
    filled.tunid = e.tunid;
    filled.connected = e.handle.is_connected() ? 1 : 0;
    std::memcpy(&out, &filled, std::min(out.size, sizeof(filled)));
    return VSOA_OK;
  });
}

void plugin_streams::close_all() {
  board_->close_all();
}

std::size_t plugin_streams::count() const {
  return board_->count();
}

}  // namespace vsoad
