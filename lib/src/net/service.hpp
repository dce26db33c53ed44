// A thread with an Asio io_context, for what is not in the way of packets: position lookups and the
// position server. The packet loops have no part in it, so that none of its waiting costs them a
// system call.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "vsoa/log.hpp"

namespace vsoa::net {

class service {
 public:
  explicit service(const log_sink& log) : log_(log) {}
  ~service() { stop(); }
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  void start();
  /// Handlers not yet run are dropped. Idempotent; not on the service's own thread.
  void stop();
  bool is_running() const noexcept { return thread_.joinable(); }
  bool is_here() const noexcept { return current() == this; }  ///< the caller is on its thread
  /// The service whose thread the calling one is; null: none.
  static const service* current() noexcept;

  boost::asio::io_context& context() noexcept { return context_; }
  /// Runs `work` on the thread, soon, in order. Any thread.
  template <class Work>
  void post(Work&& work) {
    boost::asio::post(context_, std::forward<Work>(work));
  }
  void log_line(log_level level, std::string_view line) const {
    if (log_) log_(level, line);
  }

 private:
  void run();

  const log_sink& log_;
  boost::asio::io_context context_{1};
  std::thread thread_;
};

}  // namespace vsoa::net
