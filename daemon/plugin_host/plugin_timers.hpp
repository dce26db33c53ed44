// The timers of one plugin.
#pragma once

#include <cstddef>
#include <memory>

#include "plugin_host/callback_runner.hpp"
#include "plugin_host/environment.hpp"
#include "vsoa/plugin.h"

namespace vsoad {

class plugin_timers {
 public:
  static constexpr std::size_t max_timers = 1024;
  using function = void (*)(void*);
  /// Told when a timer's function has thrown.
  using thrown = std::function<void()>;

  /// @param runner  runs the functions; must live until close() has returned and the runner's door
  /// has
  ///                been waited for
  plugin_timers(environment& env, callback_runner& runner, std::size_t loop, stall_subject& subject,
                thrown on_thrown);
  ~plugin_timers();

  /// Starts a timer; before open(), one that starts then. 0: too many, or closed.
  vsoa_timer start(std::chrono::milliseconds delay, std::chrono::milliseconds interval,
                   function call, void* argument);
  bool stop(vsoa_timer timer);
  /// The plugin has started: its timers begin.
  void open();
  /// Ends all timers; no function is begun any more, but one may still run.
  void close();
  std::size_t count() const;

 private:
  class board;
  std::shared_ptr<board> board_;  // what the runtime's tasks hold, which may come late
};

}  // namespace vsoad
