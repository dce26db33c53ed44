#include "vsoad/main_loop.hpp"

#include <sys/signalfd.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cerrno>
#include <exception>
#include <list>
#include <string>
#include <system_error>
#include <utility>

#include "vsoad/logging.hpp"

namespace vsoad {

namespace asio = boost::asio;

class main_loop::impl {
 public:
  impl(const sigset_t& signals, const logging& log) : log_(log), signals_(context) {
    const int fd = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "signalfd");
    signals_.assign(fd);
  }

  void on_signal(std::function<void(int)> handler) {
    const bool is_waiting = static_cast<bool>(on_signal_);
    on_signal_ = std::move(handler);
    if (!is_waiting) await_signal();
  }

  void repeat(std::chrono::milliseconds first, std::function<std::chrono::milliseconds()> task) {
    timers_.push_back({asio::steady_timer(context), first, std::move(task)});
    arm(timers_.back());
  }

  // What throws has been taken off the queue: the rest is still there.
  template <class Run>
  void guarded(Run&& run) {
    for (;;) {
      try {
        return run();
      } catch (const std::exception& e) {
        log_.error(std::string("main loop: ") + e.what());
      } catch (...) {
        log_.error("main loop: unknown exception");
      }
    }
  }

  asio::io_context context{1};
  const asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  bool has_quit = false;

 private:
  struct timer {
    asio::steady_timer clock;
    std::chrono::milliseconds interval;
    std::function<std::chrono::milliseconds()> task;
  };

  void await_signal() {
    signals_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [this](const boost::system::error_code& error) {
                          if (!error) take_signal();
                        });
  }

  // One at a time: the first may be the end of this run.
  void take_signal() {
    signalfd_siginfo info{};
    const bool has_come = ::read(signals_.native_handle(), &info, sizeof info) == sizeof info;
    await_signal();
    if (has_come) on_signal_(static_cast<int>(info.ssi_signo));
  }

  void arm(timer& t) {
    t.clock.expires_after(t.interval);
    t.clock.async_wait([this, &t](const boost::system::error_code& error) {
      if (error) return;
      try {
        t.interval = t.task();
      } catch (...) {
        arm(t);
        throw;
      }
      arm(t);
    });
  }

  const logging& log_;
  asio::posix::stream_descriptor signals_;
  std::function<void(int)> on_signal_;
  std::list<timer> timers_;  // addresses stay: they wait
};

main_loop::main_loop(const sigset_t& signals, const logging& log)
    : impl_(std::make_unique<impl>(signals, log)) {}

main_loop::~main_loop() = default;

boost::asio::io_context& main_loop::context() noexcept {
  return impl_->context;
}

void main_loop::on_signal(std::function<void(int)> handler) {
  impl_->on_signal(std::move(handler));
}

void main_loop::every(std::chrono::milliseconds interval, std::function<void()> task) {
  repeat(interval, [interval, run = std::move(task)] {
    run();
    return interval;
  });
}

void main_loop::repeat(std::chrono::milliseconds first,
                       std::function<std::chrono::milliseconds()> task) {
  impl_->repeat(first, std::move(task));
}

void main_loop::run() {
  impl_->guarded([this] {
    while (!impl_->has_quit)
      impl_->context.run_one();
  });
  impl_->has_quit = false;
}

void main_loop::run_for(std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  impl_->guarded([&] {
    while (!impl_->has_quit && impl_->context.run_one_until(end) != 0) {
    }
  });
  impl_->has_quit = false;
}

void main_loop::quit() noexcept {
  impl_->has_quit = true;
}

}  // namespace vsoad
