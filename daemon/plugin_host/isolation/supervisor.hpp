// The thread on which the processes of isolated plugins are watched and their questions answered.
// It waits for nothing but that: never for a plugin, nor for who waits for one.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "vsoa/log.hpp"

namespace vsoad::isolation {

class supervisor {
 public:
  /// Ends with this object.
  class watch {
   public:
    virtual ~watch() = default;
  };
  using watch_ptr = std::unique_ptr<watch>;

  explicit supervisor(vsoa::log_sink log);
  /// Runs what has been posted, and ends. Anywhere, also on the thread itself.
  ~supervisor();
  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;

  /// Any thread. In order.
  void post(std::function<void()> task);

  // On the thread; `what` runs there, and may destroy its watch.
  /// Whenever there is something to read, or the end.
  watch_ptr when_readable(int fd, std::function<void()> what);
  /// Once.
  watch_ptr after(std::chrono::milliseconds delay, std::function<void()> what);
  /// Again and again.
  watch_ptr every(std::chrono::milliseconds interval, std::function<void()> what);

 private:
  struct inside;
  std::shared_ptr<inside> inside_;
};

}  // namespace vsoad::isolation
