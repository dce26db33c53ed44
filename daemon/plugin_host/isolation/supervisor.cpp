#include "plugin_host/isolation/supervisor.hpp"

#include "plugin_host/isolation/sanitized.hpp"

#include <pthread.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <string>
#include <thread>
#include <utility>

namespace vsoad::isolation {
namespace {

namespace asio = boost::asio;

/// What a watch shares with the operation under way, which outlives it for a moment.
struct alive {
  bool is_wanted = true;
};

class readable final : public supervisor::watch {
 public:
  readable(asio::io_context& context, int fd, std::function<void()> what)
      : shared_(std::make_shared<state>(context, fd, std::move(what))) {
    wait(shared_);
  }
  ~readable() override {
    shared_->is_wanted = false;
    // The descriptor is somebody else's.
    if (shared_->descriptor.is_open()) (void)shared_->descriptor.release();
  }

 private:
  struct state : alive {
    state(asio::io_context& context, int fd, std::function<void()> f)
        : descriptor(context, fd), what(std::move(f)) {}
    asio::posix::stream_descriptor descriptor;
    std::function<void()> what;
  };

  static void wait(const std::shared_ptr<state>& s) {
    s->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                             [s](const boost::system::error_code& error) {
                               if (error || !s->is_wanted) return;
                               try {
                                 s->what();
                               } catch (...) {
                                 if (s->is_wanted) wait(s);  // as the thread goes on
                                 throw;
                               }
                               if (s->is_wanted) wait(s);
                             });
  }

  const std::shared_ptr<state> shared_;
};

class ticking final : public supervisor::watch {
 public:
  ticking(asio::io_context& context, std::chrono::milliseconds delay, bool again,
          std::function<void()> what)
      : shared_(std::make_shared<state>(context, delay, again, std::move(what))) {
    wait(shared_);
  }
  ~ticking() override {
    shared_->is_wanted = false;
    shared_->timer.cancel();
  }

 private:
  struct state : alive {
    state(asio::io_context& context, std::chrono::milliseconds d, bool a, std::function<void()> f)
        : timer(context), delay(d), again(a), what(std::move(f)) {}
    asio::steady_timer timer;
    const std::chrono::milliseconds delay;
    const bool again;
    std::function<void()> what;
  };

  static void wait(const std::shared_ptr<state>& s) {
    s->timer.expires_after(s->delay);
    s->timer.async_wait([s](const boost::system::error_code& error) {
      if (error || !s->is_wanted) return;
      try {
        s->what();
      } catch (...) {
        if (s->is_wanted && s->again) wait(s);
        throw;
      }
      if (s->is_wanted && s->again) wait(s);
    });
  }

  const std::shared_ptr<state> shared_;
};

}  // namespace

struct supervisor::inside {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  vsoa::log_sink log;
  std::thread thread;
};

supervisor::supervisor(vsoa::log_sink log) : inside_(std::make_shared<inside>()) {
  inside_->log = std::move(log);
  // Plugins' processes have our user, and are not to reach our memory by /proc.
  if (!is_sanitized) (void)::prctl(PR_SET_DUMPABLE, 0);
  inside_->thread = std::thread([kept = inside_] {
    (void)::pthread_setname_np(::pthread_self(), "vsoad-isolation");
    // What a peer sends never throws across this; memory may run out. Then one task is lost, and
    // the processes of all the others are still watched.
    for (;;) {
      try {
        kept->context.run();
        return;
      } catch (const std::exception& e) {
        if (kept->log) {
          kept->log(vsoa::log_level::error,
                    std::string("watching the processes of plugins has failed: ") + e.what());
        }
      }
    }
  });
}

supervisor::~supervisor() {
  inside_->work.reset();
  if (inside_->thread.get_id() == std::this_thread::get_id()) {
    inside_->thread.detach();
  } else {
    inside_->thread.join();
  }
}

void supervisor::post(std::function<void()> task) {
  asio::post(inside_->context, std::move(task));
}

supervisor::watch_ptr supervisor::when_readable(int fd, std::function<void()> what) {
  return std::make_unique<readable>(inside_->context, fd, std::move(what));
}

supervisor::watch_ptr supervisor::after(std::chrono::milliseconds delay,
                                        std::function<void()> what) {
  return std::make_unique<ticking>(inside_->context, delay, false, std::move(what));
}

supervisor::watch_ptr supervisor::every(std::chrono::milliseconds interval,
                                        std::function<void()> what) {
  return std::make_unique<ticking>(inside_->context, interval, true, std::move(what));
}

}  // namespace vsoad::isolation
