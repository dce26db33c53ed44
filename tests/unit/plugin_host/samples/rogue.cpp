// A plugin that does what no plugin should: each command one thing. For tests of isolation.
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>
#include <vsoa/plugin.hpp>

using vsoa::plugin::call;
using namespace std::chrono_literals;

namespace {

class rogue : public vsoa::plugin::base {
 public:
  using base::base;

  void start(std::string_view config) override {
    if (config == "\"exit\"") ::_exit(9);
    if (config == "\"die soon\"") {
      std::thread([] {
        std::this_thread::sleep_for(30ms);
        ::_exit(8);
      }).detach();
    }
    if (config == "\"publish\"") host.publish("/started", "true");
  }
  void stop() override {
    for (auto& t : threads_)
      t.join();
  }
  void on_client(vsoa::plugin::client, bool connected) override {
    host.count(connected ? "connected" : "disconnected");
  }

  void pid(call& c) { c.reply(std::to_string(::getpid())); }
  void echo(call& c) { c.reply(c.param(), c.data()); }
  void sink(call& c) { kept_.push_back(c.defer()); }
  void abort(call&) { std::abort(); }
  void exit(call&) { ::_exit(7); }
  void hang(call&) {
    for (;;)
      std::this_thread::sleep_for(1s);
  }
  void hog(call&) {
    constexpr std::size_t step = 1U << 20;
    for (std::vector<std::unique_ptr<char[]>> all;;) {
      all.push_back(std::make_unique<char[]>(step));
      std::memset(all.back().get(), 1, step);
      if (all.size() % 2 == 0) std::this_thread::sleep_for(10ms);
    }
  }
  void chatter(call& c) {
    for (int i = 0; i < 1000; ++i)
      host.log(vsoa::plugin::level::info, "chatter");
    c.reply("1");
  }
  // A program that is left behind: its number.
  void leave(call& c) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::execlp("sleep", "sleep", "1000", nullptr);
      ::_exit(1);
    }
    c.reply(std::to_string(pid));
  }
  void files(call& c) {
    std::vector<int> all;
    for (int fd = 0; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
      all.push_back(fd);
    for (const int fd : all)
      ::close(fd);
    c.reply(std::to_string(all.size()));
  }
  void forbidden(call& c) {
    std::string results;
    const auto note = [&](long result) {
      results += result == 0 ? "ok " : errno == EPERM ? "refused " : "failed ";
    };
    note(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
    note(::kill(::getppid(), 0));
    note(::kill(-1, 0));
    note(::kill(::getpid(), 0));
    note(::syscall(SYS_tkill, ::getppid(), 0));
    note(::syscall(SYS_tgkill, ::getppid(), ::getppid(), 0));
    note(::syscall(SYS_pidfd_send_signal, 0, 0, nullptr, 0));
    note(::prlimit(::getppid(), RLIMIT_NOFILE, nullptr, nullptr));
    note(::prlimit(0, RLIMIT_NOFILE, nullptr, nullptr));
    c.reply("\"" + results + "\"");
  }
  // Nonsense, on the descriptors that only vsoad-plugin is to use.
  void garbage(call& c) {
    const std::string where(c.param());
    const std::string text(1000, '\x7e');
    const int fd = where == "control" ? 3 : where == "host" ? 4 : 6;
    for (int i = 0; i < 3; ++i)
      (void)!::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
  }
  // Published on a thread of its own, and answered afterwards.
  void thread(call& c) {
    threads_.emplace_back([this, later = c.defer()]() mutable {
      for (int i = 0; i < 20; ++i)
        host.publish("/threaded", std::to_string(i));
      later.reply("\"done\"");
    });
  }

 private:
  std::vector<vsoa::plugin::deferred_call> kept_;
  std::vector<std::thread> threads_;
};

}  // namespace

VSOA_PLUGIN(rogue, "rogue", "1.0", "Does what no plugin should") {
  command("/pid", &rogue::pid);
  command("/r/echo", &rogue::echo);
  command("/sink", &rogue::sink);
  command("/abort", &rogue::abort);
  command("/exit", &rogue::exit);
  command("/hang", &rogue::hang);
  command("/hog", &rogue::hog);
  command("/chatter", &rogue::chatter);
  command("/leave", &rogue::leave);
  command("/files", &rogue::files);
  command("/forbidden", &rogue::forbidden);
  command("/garbage", &rogue::garbage);
  command("/thread", &rogue::thread);
}
