#include "vsoad/plugin_watch.hpp"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

#include "plugin_host/directory_watch.hpp"
#include "vsoad/logging.hpp"

namespace vsoad {

namespace asio = boost::asio;

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

// A package brings several files: they are looked at together.
constexpr auto silence = 50ms;
// What never becomes quiet is looked at all the same.
constexpr auto longest_wait = 400ms;

}  // namespace

class plugin_watch::impl {
 public:
  impl(asio::io_context& main_loop, std::function<void()> changed)
      : changed_(std::move(changed)), events_(main_loop), quiet_(main_loop) {
    // A descriptor of its own, since both close theirs.
    const int fd = ::dup(watch.native_handle());
    if (fd < 0) throw std::system_error(errno, std::system_category(), "inotify");
    events_.assign(fd);
    wait();
  }

  directory_watch watch;

 private:
  void wait() {
    events_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [this](const boost::system::error_code& error) {
                         if (error) return;
                         const bool concerns = watch.take_events();
                         wait();
                         if (concerns) look_soon();
                       });
  }

  void look_soon() {
    const auto now = clock::now();
    if (!is_due_) latest_ = now + longest_wait;
    is_due_ = true;
    quiet_.expires_at(std::min(now + silence, latest_));
    quiet_.async_wait([this](const boost::system::error_code& error) {
      if (error) return;
      is_due_ = false;
      changed_();
    });
  }

  const std::function<void()> changed_;
  asio::posix::stream_descriptor events_;
  asio::steady_timer quiet_;
  bool is_due_ = false;
  clock::time_point latest_{};
};

plugin_watch::plugin_watch(asio::io_context& main_loop, std::function<void()> changed,
                           const logging& log) {
  try {
    impl_ = std::make_unique<impl>(main_loop, std::move(changed));
  } catch (const std::exception& e) {
    log.warning(std::string("plugin directories are not watched: ") + e.what());
  }
}

plugin_watch::~plugin_watch() = default;

void plugin_watch::set_directories(const std::vector<std::string>& directories) {
  if (impl_) impl_->watch.set_directories(directories);
}

bool plugin_watch::is_unfinished(const std::string& path) const {
  return impl_ && impl_->watch.is_being_written(path);
}

}  // namespace vsoad
