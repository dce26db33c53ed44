#include "interruption.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>

namespace vsoad::ctl {
namespace {

sigset_t ending_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

int open_signals() {
  const sigset_t set = ending_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

interruption::interruption()
    : signals_(open_signals()), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (signals_ < 0 || event_ < 0)
    throw std::system_error(errno, std::generic_category(), "signalfd");
}

interruption::~interruption() {
  ::close(signals_);
  ::close(event_);
}

void interruption::wake() const noexcept {
  const std::uint64_t one = 1;
  (void)!::write(event_, &one, sizeof one);
}

interruption::cause interruption::wait(std::optional<std::chrono::milliseconds> patience,
                                       int fd) const {
  if (has_come_) return cause::signal;
  std::array<pollfd, 3> watched{{{signals_, POLLIN, 0}, {event_, POLLIN, 0}, {fd, POLLIN, 0}}};
  const int timeout = patience ? static_cast<int>(patience->count()) : -1;
  if (::poll(watched.data(), watched.size(), timeout) <= 0) return cause::time;
  if (watched[0].revents != 0) {
    signalfd_siginfo taken{};
    (void)!::read(signals_, &taken, sizeof taken);
    has_come_ = true;
    const sigset_t set = ending_signals();
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
    return cause::signal;
  }
  if (watched[1].revents == 0) return cause::readable;
  std::uint64_t count = 0;
  (void)!::read(event_, &count, sizeof count);
  return cause::woken;
}

}  // namespace vsoad::ctl
