// The streams of one plugin: what libvsoa tells of them becomes callbacks that keep the plugin's
// order, and end with it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "plugin_host/callback_runner.hpp"
#include "plugin_host/environment.hpp"
#include "plugin_host/service_port.hpp"
#include "vsoa/plugin.h"

namespace vsoad {

class plugin_streams {
 public:
  static constexpr std::size_t max_streams = 1024;
  /// Told when a callback of a stream has thrown.
  using thrown = std::function<void()>;

  /// @param runner  runs the callbacks; must live until close() has returned and the runner's door
  ///                has been waited for
  plugin_streams(callback_runner& runner, stall_subject& subject, thrown on_thrown);
  ~plugin_streams();

  /// Offers a stream.
  /// @param client   the host's name for `id` at `port`
  /// @param timeout  zero: the library's default
  /// @return VSOA_OK, or why not; then `stream` and `tunid` are as they were
  int create(service_port& port, vsoa::client_id id, vsoa_client client,
             const vsoa_stream_callbacks& callbacks, void* argument,
             std::chrono::milliseconds timeout, vsoa_stream& stream, std::uint16_t& tunid);

  // Each: a result of plugin.h.
  std::int64_t send(vsoa_stream stream, std::span<const std::byte> bytes);
  int is_writable(vsoa_stream stream);
  int pause(vsoa_stream stream, bool paused);
  int shutdown(vsoa_stream stream);
  int close(vsoa_stream stream, bool abort);
  int set_keepalive(vsoa_stream stream, std::chrono::seconds idle);
  int set_send_timeout(vsoa_stream stream, std::chrono::milliseconds timeout);
  int info(vsoa_stream stream, vsoa_stream_info& out);

  /// Closes all behind what they have queued; no callback is begun any more, but one may still run.
  void close_all();
  std::size_t count() const;

 private:
  class board;
  std::shared_ptr<board> board_;  // what the callbacks of libvsoa hold, which may come late
};

}  // namespace vsoad
